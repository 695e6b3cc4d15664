// A sum over the invocations of a workgroup in a fixed order, halves added to halves: the same bits in every run.

const REDUCED: u32 = 64u;  // invocations of the workgroup, a power of two

// PAIRED_SUMS: two sums at once.
@if(PAIRED_SUMS) alias Summand = vec2f;
@else alias Summand = f32;

var<workgroup> sums: array<Summand, REDUCED>;

// All invocations call it, each with its part; each gets the whole.
fn treeSum(local: u32, value: Summand) -> Summand {
  sums[local] = value;
  for (var half = REDUCED / 2u; half > 0u; half >>= 1u) {
    workgroupBarrier();
    if (local < half) { sums[local] += sums[local + half]; }
  }
  workgroupBarrier();
  return sums[0];
}
