/** What of webgpu-llm 0.1.0 is used here; its own declarations say `any` and are not exported. */
declare module "webgpu-llm/llm" {
  export class LLMEngine {
    init(): Promise<this>;
    readonly device: GPUDevice;
    readonly pipelines: Readonly<Record<string, GPUComputePipeline>>;
    storage(bytes: number, label: string): GPUBuffer;
    uniform(bytes: number, label: string): GPUBuffer;
    write(buffer: GPUBuffer, data: Float32Array | Uint32Array, offset?: number): void;
    read(buffer: GPUBuffer, bytes: number): Promise<ArrayBuffer>;
    bind(kernel: string, buffers: readonly GPUBuffer[]): GPUBindGroup;
  }

  export class Model {
    constructor(engine: LLMEngine, config: Readonly<Record<string, number | string>>);
    readonly paramLayout: { find(label: string): { readonly offset: number; readonly size: number } };
    readonly _megaW: GPUBuffer;
    readonly activations: { readonly loss_sum: GPUBuffer };
    allocate(): void;
    allocActivations(): void;
    allocBackward(): void;
    forwardLoss(tokens: Uint32Array, targets: Uint32Array): Promise<number>;
    backward(tokens: Uint32Array): Promise<void>;
    step(settings: Readonly<Record<string, number>>): Promise<void>;
  }
}
