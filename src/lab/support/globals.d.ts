/** Version in package.json; written in by Vite. */
declare const __BASIN_VERSION__: string;
