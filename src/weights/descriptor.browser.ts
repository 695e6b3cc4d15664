/**
 * @file Sources that a browser can name and post to a worker, and how each is opened.
 */
import type { ByteSource } from "./byteSource.ts";
import { directorySource, fileListSource } from "./fileSource.browser.ts";
import { hubSource } from "./hubSource.ts";
import { urlSource } from "./urlSource.ts";
import type { HubDescriptor, UrlDescriptor } from "./weightsProtocol.ts";

export type SourceDescriptor =
  | UrlDescriptor
  | HubDescriptor
  | { readonly kind: "files"; readonly name: string; readonly files: ReadonlyMap<string, File> }
  | { readonly kind: "directory"; readonly handle: FileSystemDirectoryHandle };

export function openDescriptor(descriptor: SourceDescriptor): ByteSource {
  switch (descriptor.kind) {
    case "url":
      return urlSource(descriptor.base, descriptor.name === undefined ? {} : { name: descriptor.name });
    case "hub":
      return hubSource(descriptor);
    case "files":
      return fileListSource(descriptor.name, descriptor.files);
    case "directory":
      return directorySource(descriptor.handle);
  }
}
