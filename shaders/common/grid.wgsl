// The workgroups of a dispatch. More of them than one dimension may have are folded into two (engine/program.ts), so
// kernels count them flat. Both fields are uniform in a workgroup, and so is what is made of them: barriers may follow
// a condition on it.

struct Grid {
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
}

// Number of this workgroup.
fn groupIndex(grid: Grid) -> u32 { return grid.group.y * grid.groups.x + grid.group.x; }
