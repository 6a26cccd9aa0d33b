"""The version of the jar that this module came with."""

# Filled in when the connector is built; untouched where the module runs from its source folder.
JAR_VERSION = "@project.version@"

FROM_SOURCE = JAR_VERSION.startswith("@")

__version__ = "0.0.0.dev0" if FROM_SOURCE else JAR_VERSION.replace("-SNAPSHOT", ".dev0")
