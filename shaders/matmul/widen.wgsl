// Weights stored in f16 as f32, four an invocation: the check of fastPaths.ts that they are read exactly.

import package::matmul::operands::y;
import package::matmul::weight::weight4;

@compute @workgroup_size(64)
fn widenHalves(@builtin(global_invocation_id) id: vec3u) {
  let v = weight4(id.x);
  let at = 4u * id.x;
  y[at] = v.x; y[at + 1u] = v.y; y[at + 2u] = v.z; y[at + 3u] = v.w;
}
