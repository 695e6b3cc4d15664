"""Runs train.py of an exported folder under FSDP 2 on CPU processes, which Accelerate itself allows on GPUs only.

    cd EXPORTED_FOLDER; torchrun --standalone --nproc_per_node 2 ROOT/python/fsdp_on_cpu.py --cpu [options of train.py]

Only Accelerate's choice of the distributed type is overruled; that it shards the model (torch's fully_shard), gathers
and scatters is its own code, over gloo. With the settings of accelerate/fsdp.yaml. For tests: it shows that the numbers
are right in shards.
"""

from __future__ import annotations

import os
import runpy
import sys

os.environ["ACCELERATE_USE_FSDP"] = "true"
for name, value in {
    "VERSION": "2",
    "AUTO_WRAP_POLICY": "TRANSFORMER_BASED_WRAP",
    "RESHARD_AFTER_FORWARD": "true",
    "OFFLOAD_PARAMS": "false",
    "CPU_RAM_EFFICIENT_LOADING": "false",
    "STATE_DICT_TYPE": "FULL_STATE_DICT",
}.items():
    os.environ[f"FSDP_{name}"] = value

import accelerate  # noqa: E402
from accelerate import state  # noqa: E402
from torch.distributed.tensor import DTensor  # noqa: E402

initialise, prepare = state.AcceleratorState.__init__, accelerate.Accelerator.prepare


def initialise_as_fsdp(self, *args, fsdp_plugin=None, **more):
    initialise(self, *args, fsdp_plugin=fsdp_plugin, **more)
    if fsdp_plugin is not None:
        self.distributed_type, self.fsdp_plugin = state.DistributedType.FSDP, fsdp_plugin


def prepare_and_tell(self, *args, **more):
    prepared = prepare(self, *args, **more)
    parameters = list(prepared[0].parameters())
    self.print(
        f"{sum(isinstance(parameter, DTensor) for parameter in parameters)} of {len(parameters)} parameters in shards"
    )
    return prepared


state.AcceleratorState.__init__ = initialise_as_fsdp
accelerate.Accelerator.prepare = prepare_and_tell
sys.path.insert(0, os.getcwd())
runpy.run_path("train.py", run_name="__main__")
# All is written. Now and then gloo's threads abort the process when the interpreter takes itself apart; leave before
# that.
sys.stdout.flush()
os._exit(0)
