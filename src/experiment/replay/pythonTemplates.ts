/** @file The Python files of an export, as they stand under python/ (there they are linted and tested). */
import asft from "../../../python/export/asft.py?raw";
import check from "../../../python/export/check.py?raw";
import dropout from "../../../python/export/dropout.py?raw";
import fsdp from "../../../python/export/accelerate/fsdp.yaml?raw";
import lisa from "../../../python/export/lisa.py?raw";
import multiGpu from "../../../python/export/accelerate/multi_gpu.yaml?raw";
import readme from "../../../python/export/README.md?raw";
import requirements from "../../../python/export/requirements.txt?raw";
import safeLora from "../../../python/export/safe_lora.py?raw";
import safeMerge from "../../../python/export/safe_merge.py?raw";
import single from "../../../python/export/accelerate/single.yaml?raw";
import train from "../../../python/export/train.py?raw";
import basinRandom from "../../../python/basin_random.py?raw";
import quantisation from "../../../python/quantisation.py?raw";

/** Path in the exported folder -> text. */
export const PYTHON_TEMPLATES: Readonly<Record<string, string>> = {
  "README.md": readme,
  "requirements.txt": requirements,
  "train.py": train,
  "asft.py": asft,
  "safe_lora.py": safeLora,
  "lisa.py": lisa,
  "safe_merge.py": safeMerge,
  "dropout.py": dropout,
  "basin_random.py": basinRandom,
  "check.py": check,
  "accelerate/single.yaml": single,
  "accelerate/multi_gpu.yaml": multiGpu,
  "accelerate/fsdp.yaml": fsdp,
};

/** Only for experiments on quantised weights. */
export const QUANTISATION_TEMPLATE: Readonly<Record<string, string>> = { "quantisation.py": quantisation };
