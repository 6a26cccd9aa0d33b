"""Makes the zoo: SavedModels of many makers and kinds, and what Python TensorFlow makes of them.

The result is committed under `src/test/resources/zoo`, so the tests never run this. What a model
consists of says `zoo_recording`; `zoo.json` also names what was used to make it, and lists the
models that must be refused. To make it all again, or the models named:

    pip install tensorflow-cpu==2.18.0 pyarrow jax==0.4.35 dm-sonnet tf-slim dm-tree tabulate
    pip install --no-deps tf_keras==2.18.0 tensorflow-text==2.18.0
    python integration-tests/src/test/python/make_zoo.py [NAME ...]

TensorFlow Java bundles the native library of tensorflow-cpu 2.18.0 byte for byte, so equal batches
give equal bits, as long as the same kernels are chosen. That depends on the processor; therefore
two variables limit the choice here to what every processor with AVX2 has; whoever compares bits has
to set them too. (To limit oneDNN while TensorFlow's own use of it is on is no way: on a
processor with bfloat16 TensorFlow then asks for kernels that do not exist and aborts.)
"""

import json
import os
import platform
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

# Before TensorFlow is loaded.
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
os.environ["ONEDNN_MAX_CPU_ISA"] = "AVX2"

import keras
import tensorflow as tf
import tf_keras
import zoo_models_tf1 as tf1
import zoo_models_tf2 as tf2
from zoo_recording import record

ZOO = Path(__file__).resolve().parents[1] / "resources" / "zoo"
PACKAGES = [
    "tensorflow-cpu",
    "keras",
    "tf_keras",
    "jax",
    "jaxlib",
    "dm-sonnet",
    "tf-slim",
    "tensorflow-text",
    "numpy",
    "pyarrow",
]
RECORDED = [
    tf2.keras3_cnn,
    tf2.keras3_recurrent,
    tf2.keras3_transformer,
    tf2.keras3_tabular,
    tf2.keras3_text,
    tf2.keras3_mixed,
    tf2.keras2_lstm,
    tf2.keras2_tabular,
    tf2.module_control_flow,
    tf2.module_dtypes,
    tf2.module_quantized,
    tf2.module_narrow,
    tf2.module_half,
    tf2.module_strings,
    tf2.module_tables,
    tf2.module_ragged,
    tf2.module_gradient,
    tf2.module_shapes,
    tf2.module_fixed_batch,
    tf2.module_images,
    tf2.module_random,
    tf2.module_compiled,
    tf2.module_signatures,
    tf2.sonnet_mlp,
    tf2.jax_compiled,
    tf2.jax_graph,
    tf1.v1_estimator,
    tf1.v1_loops,
    tf1.v1_examples,
    tf1.v1_slim,
    tf1.v1_names,
    tf1.v1_sparse,
]
# With the code and the parts of the message that say why.
REFUSED = {
    tf2.refused_counter: ["[TA_OP_NOT_ALLOWED]", "AssignAddVariableOp"],
    tf2.refused_file: ["[TA_OP_NOT_ALLOWED]", "ReadFile"],
    tf2.refused_python: ["[TA_OP_NOT_ALLOWED]", "EagerPyFunc"],
    tf2.refused_print: ["[TA_OP_NOT_ALLOWED]", "PrintV2"],
    tf2.refused_two_handles: ["[TA_MODEL_RUN]", "model.export("],
    tf2.refused_custom_operation: ["[TA_OP_UNKNOWN]", "CaseFoldUTF8"],
    tf1.refused_queue: ["[TA_OP_NOT_ALLOWED]", "FIFOQueueV2"],
}


def make(function):
    """Makes one model, and returns its entry."""
    name = function.__name__
    print(name, flush=True)
    directory = ZOO / name
    shutil.rmtree(directory, ignore_errors=True)
    keras.utils.set_random_seed(tf2.SEED)
    keras.backend.clear_session()
    tf_keras.backend.clear_session()
    example = function(str(directory))
    about = " ".join(function.__doc__.split())
    if function in REFUSED:
        return {"about": about, "refused": REFUSED[function]}
    return {"about": about, **record(directory, example)}


def main():
    tf.config.threading.set_intra_op_parallelism_threads(2)
    functions = {f.__name__: f for f in [*RECORDED, *REFUSED]}
    file = ZOO / "zoo.json"
    kept = json.loads(file.read_text("utf-8"))["models"] if sys.argv[1:] else {}
    models = {name: entry for name, entry in kept.items() if name in functions}
    for name in sys.argv[1:] or functions:
        models[name] = make(functions[name])
    zoo = {
        "madeWith": {
            "python": platform.python_version(),
            **{package: version(package) for package in PACKAGES},
        },
        "environment": {k: os.environ[k] for k in ("TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA")},
        "models": {name: models[name] for name in functions if name in models},
    }
    file.write_text(json.dumps(zoo, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
