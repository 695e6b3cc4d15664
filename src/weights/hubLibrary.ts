/**
 * @file The two calls of Hugging Face's hub library that Basin uses, as a module of its own: it is imported when the
 * first hub model is named, and the bundler leaves the rest of the library (uploads, spaces, caches) out of that piece.
 */
export { datasetInfo, listFiles, modelInfo } from "@huggingface/hub";
