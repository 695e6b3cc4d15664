/**
 * @file The fields of well-known models' config.json that say how to compute them, as the hub has them, and how many parameters
 * each has (transformers' own count: its class built from these fields, tied weights once).
 */

export interface KnownModel {
  readonly name: string;
  readonly parameters: number;
  readonly config: Readonly<Record<string, unknown>>;
}

const llama = { model_type: "llama", attention_bias: false, attention_dropout: 0, hidden_act: "silu", mlp_bias: false, pretraining_tp: 1, rms_norm_eps: 1e-5, use_cache: true };
const qwen = { attention_dropout: 0, hidden_act: "silu", rms_norm_eps: 1e-6, rope_theta: 1000000, use_cache: true, use_sliding_window: false };
const gemma = { attention_bias: false, attention_dropout: 0, head_dim: 256, hidden_activation: "gelu_pytorch_tanh", rms_norm_eps: 1e-6, use_cache: true };

export const KNOWN_MODELS: readonly KnownModel[] = [
  {
    name: "meta-llama/Llama-2-7b-chat-hf",
    parameters: 6738415616,
    config: { ...llama, hidden_size: 4096, intermediate_size: 11008, max_position_embeddings: 4096, num_attention_heads: 32, num_hidden_layers: 32, num_key_value_heads: 32, rope_scaling: null, tie_word_embeddings: false, torch_dtype: "float16", vocab_size: 32000 },
  },
  {
    name: "meta-llama/Meta-Llama-3-8B-Instruct",
    parameters: 8030261248,
    config: { ...llama, hidden_size: 4096, intermediate_size: 14336, max_position_embeddings: 8192, num_attention_heads: 32, num_hidden_layers: 32, num_key_value_heads: 8, rope_scaling: null, rope_theta: 500000, tie_word_embeddings: false, torch_dtype: "bfloat16", vocab_size: 128256 },
  },
  {
    name: "meta-llama/Llama-3.2-1B",
    parameters: 1235814400,
    config: { ...llama, head_dim: 64, hidden_size: 2048, intermediate_size: 8192, max_position_embeddings: 131072, num_attention_heads: 32, num_hidden_layers: 16, num_key_value_heads: 8, rope_scaling: { factor: 32, high_freq_factor: 4, low_freq_factor: 1, original_max_position_embeddings: 8192, rope_type: "llama3" }, rope_theta: 500000, tie_word_embeddings: true, torch_dtype: "bfloat16", vocab_size: 128256 },
  },
  {
    name: "HuggingFaceTB/SmolLM2-135M-Instruct",
    parameters: 134515008,
    config: { ...llama, hidden_size: 576, intermediate_size: 1536, is_llama_config: true, max_position_embeddings: 8192, num_attention_heads: 9, num_hidden_layers: 30, num_key_value_heads: 3, rope_interleaved: false, rope_scaling: null, rope_theta: 100000, tie_word_embeddings: true, torch_dtype: "bfloat16", vocab_size: 49152 },
  },
  {
    name: "HuggingFaceTB/SmolLM2-360M-Instruct",
    parameters: 361821120,
    config: { ...llama, hidden_size: 960, intermediate_size: 2560, is_llama_config: true, max_position_embeddings: 8192, num_attention_heads: 15, num_hidden_layers: 32, num_key_value_heads: 5, rope_interleaved: false, rope_scaling: null, rope_theta: 100000, tie_word_embeddings: true, torch_dtype: "bfloat16", vocab_size: 49152 },
  },
  {
    name: "Qwen/Qwen2-7B-Instruct",
    parameters: 7615616512,
    config: { ...qwen, model_type: "qwen2", hidden_size: 3584, intermediate_size: 18944, max_position_embeddings: 32768, max_window_layers: 28, num_attention_heads: 28, num_hidden_layers: 28, num_key_value_heads: 4, sliding_window: 131072, tie_word_embeddings: false, torch_dtype: "bfloat16", vocab_size: 152064 },
  },
  {
    name: "Qwen/Qwen2.5-0.5B-Instruct",
    parameters: 494032768,
    config: { ...qwen, model_type: "qwen2", hidden_size: 896, intermediate_size: 4864, max_position_embeddings: 32768, max_window_layers: 21, num_attention_heads: 14, num_hidden_layers: 24, num_key_value_heads: 2, sliding_window: 32768, tie_word_embeddings: true, torch_dtype: "bfloat16", vocab_size: 151936 },
  },
  {
    name: "Qwen/Qwen3-0.6B",
    parameters: 596049920,
    config: { ...qwen, model_type: "qwen3", attention_bias: false, head_dim: 128, hidden_size: 1024, intermediate_size: 3072, max_position_embeddings: 40960, max_window_layers: 28, num_attention_heads: 16, num_hidden_layers: 28, num_key_value_heads: 8, rope_scaling: null, sliding_window: null, tie_word_embeddings: true, torch_dtype: "bfloat16", vocab_size: 151936 },
  },
  {
    name: "google/gemma-2-2b-it",
    parameters: 2614341888,
    config: { ...gemma, model_type: "gemma2", attn_logit_softcapping: 50, cache_implementation: "hybrid", final_logit_softcapping: 30, hidden_act: "gelu_pytorch_tanh", hidden_size: 2304, intermediate_size: 9216, max_position_embeddings: 8192, num_attention_heads: 8, num_hidden_layers: 26, num_key_value_heads: 4, query_pre_attn_scalar: 256, rope_theta: 10000, sliding_window: 4096, torch_dtype: "bfloat16", vocab_size: 256000 },
  },
  {
    name: "google/gemma-2-9b-it",
    parameters: 9241705984,
    config: { ...gemma, model_type: "gemma2", attn_logit_softcapping: 50, cache_implementation: "hybrid", final_logit_softcapping: 30, hidden_act: "gelu_pytorch_tanh", hidden_size: 3584, intermediate_size: 14336, max_position_embeddings: 8192, num_attention_heads: 16, num_hidden_layers: 42, num_key_value_heads: 8, query_pre_attn_scalar: 256, rope_theta: 10000, sliding_window: 4096, sliding_window_size: 4096, torch_dtype: "bfloat16", vocab_size: 256000 },
  },
  {
    name: "google/gemma-3-270m-it",
    parameters: 268098176,
    config: {
      ...gemma, model_type: "gemma3_text", _sliding_window_pattern: 6, attn_logit_softcapping: null, final_logit_softcapping: null, hidden_size: 640, intermediate_size: 2048,
      layer_types: Array.from({ length: 18 }, (_, layer) => ((layer + 1) % 6 === 0 ? "full_attention" : "sliding_attention")),
      max_position_embeddings: 32768, num_attention_heads: 4, num_hidden_layers: 18, num_key_value_heads: 1, query_pre_attn_scalar: 256, rope_local_base_freq: 10000, rope_scaling: null, rope_theta: 1000000, sliding_window: 512, torch_dtype: "bfloat16", use_bidirectional_attention: false, vocab_size: 262144,
    },
  },
  {
    name: "google/gemma-3-1b-it",
    parameters: 999885952,
    config: { ...gemma, model_type: "gemma3_text", attn_logit_softcapping: null, cache_implementation: "hybrid", final_logit_softcapping: null, hidden_size: 1152, intermediate_size: 6912, max_position_embeddings: 32768, num_attention_heads: 4, num_hidden_layers: 26, num_key_value_heads: 1, query_pre_attn_scalar: 256, rope_local_base_freq: 10000, rope_scaling: null, rope_theta: 1000000, sliding_window: 512, sliding_window_pattern: 6, torch_dtype: "bfloat16", vocab_size: 262144 },
  },
  {
    name: "mistralai/Mistral-7B-Instruct-v0.3",
    parameters: 7248023552,
    config: { model_type: "mistral", attention_dropout: 0, hidden_act: "silu", hidden_size: 4096, intermediate_size: 14336, max_position_embeddings: 32768, num_attention_heads: 32, num_hidden_layers: 32, num_key_value_heads: 8, rms_norm_eps: 1e-5, rope_theta: 1000000, sliding_window: null, tie_word_embeddings: false, torch_dtype: "bfloat16", use_cache: true, vocab_size: 32768 },
  },
  {
    name: "microsoft/Phi-3-mini-4k-instruct",
    parameters: 3821079552,
    config: { model_type: "phi3", attention_bias: false, attention_dropout: 0, embd_pdrop: 0, hidden_act: "silu", hidden_size: 3072, intermediate_size: 8192, max_position_embeddings: 4096, num_attention_heads: 32, num_hidden_layers: 32, num_key_value_heads: 32, original_max_position_embeddings: 4096, resid_pdrop: 0, rms_norm_eps: 1e-5, rope_scaling: null, rope_theta: 10000, sliding_window: 2047, tie_word_embeddings: false, torch_dtype: "bfloat16", use_cache: true, vocab_size: 32064 },
  },
  {
    name: "HuggingFaceTB/SmolLM3-3B",
    parameters: 3075098624,
    config: {
      model_type: "smollm3", attention_bias: false, attention_dropout: 0, hidden_act: "silu", hidden_size: 2048, intermediate_size: 11008, layer_types: Array.from({ length: 36 }, () => "full_attention"), max_position_embeddings: 65536, max_window_layers: 28, mlp_bias: false,
      no_rope_layer_interval: 4, no_rope_layers: Array.from({ length: 36 }, (_, layer) => ((layer + 1) % 4 === 0 ? 0 : 1)),
      num_attention_heads: 16, num_hidden_layers: 36, num_key_value_heads: 4, pretraining_tp: 2, rms_norm_eps: 1e-6, rope_scaling: null, rope_theta: 5000000, sliding_window: null, torch_dtype: "bfloat16", use_cache: false, use_sliding_window: false, vocab_size: 128256,
    },
  },
];
