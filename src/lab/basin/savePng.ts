/** @file A picture as PNG, at twice its size. */
import { saveFile } from "../support/clipboard.ts";

const SCALE = 2;

/** @param svg its size stands in `viewBox` */
export async function savePng(name: string, svg: string): Promise<void> {
  const [, , width = 560, height = 480] = (/viewBox="([^"]+)"/.exec(svg)?.[1] ?? "").split(" ").map(Number);
  const sized = svg.replace("<svg ", `<svg width="${width * SCALE}" height="${height * SCALE}" `);
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(sized)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = width * SCALE;
  canvas.height = height * SCALE;
  canvas.getContext("2d")?.drawImage(image, 0, 0);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  if (blob !== null) saveFile(name, blob, "image/png");
}
