__version__ = "@project.version@"
