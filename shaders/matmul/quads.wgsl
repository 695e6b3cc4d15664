// Four quads of W, and what they make of four values of k of a row of x.
//
//   nt   k .. k+3 of four columns of y          nn   four columns of y of the rows k .. k+3 of W

struct Quads { a: vec4f, b: vec4f, c: vec4f, d: vec4f }

fn ntTerms(v: vec4f, q: Quads) -> vec4f { return vec4f(dot(v, q.a), dot(v, q.b), dot(v, q.c), dot(v, q.d)); }
fn nnTerms(v: vec4f, q: Quads) -> vec4f { return v.x * q.a + v.y * q.b + v.z * q.c + v.w * q.d; }
