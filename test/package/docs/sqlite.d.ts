// The types of node:sqlite that the documents use, because the installed types are those of the oldest supported Node.
declare module 'node:sqlite' {
  export class DatabaseSync {
    constructor(path: string);
    exec(sql: string): void;
    prepare(sql: string): {
      run(...parameters: (string | number)[]): unknown;
      get(...parameters: (string | number)[]): Record<string, unknown> | undefined;
      all(...parameters: (string | number)[]): Record<string, unknown>[];
    };
    close(): void;
  }
}
