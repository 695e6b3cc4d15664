/**
 * @file The Python files of an export that no method owns, as they stand under python/ (there they are linted and
 * tested). Those of the methods: `replay` of their descriptions.
 */
import check from "../../../python/export/check.py?raw";
import dropout from "../../../python/export/dropout.py?raw";
import fsdp from "../../../python/export/accelerate/fsdp.yaml?raw";
import lossTerms from "../../../python/export/loss_terms.py?raw";
import multiGpu from "../../../python/export/accelerate/multi_gpu.yaml?raw";
import readme from "../../../python/export/README.md?raw";
import requirements from "../../../python/export/requirements.txt?raw";
import single from "../../../python/export/accelerate/single.yaml?raw";
import train from "../../../python/export/train.py?raw";
import basinRandom from "../../../python/basin_random.py?raw";
import quantisation from "../../../python/quantisation.py?raw";

/** Path in the exported folder -> text. */
export const PYTHON_TEMPLATES: Readonly<Record<string, string>> = {
  "README.md": readme,
  "requirements.txt": requirements,
  "train.py": train,
  "dropout.py": dropout,
  "loss_terms.py": lossTerms,
  "basin_random.py": basinRandom,
  "check.py": check,
  "accelerate/single.yaml": single,
  "accelerate/multi_gpu.yaml": multiGpu,
  "accelerate/fsdp.yaml": fsdp,
};

/** Only for experiments on quantised weights. */
export const QUANTISATION_TEMPLATE: Readonly<Record<string, string>> = { "quantisation.py": quantisation };
