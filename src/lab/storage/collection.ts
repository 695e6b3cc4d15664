/**
 * @file Records of one kind in the lab's database, shared by the tabs of this browser.
 *
 * A tab that writes says which record it has changed; the other tabs read that record, so that each shows what is
 * stored. A change is made to the record as it is stored now, in one transaction: a tab that holds an older copy
 * neither undoes what another has written nor brings back what another has deleted.
 */
import type { ChangeChannel } from "./changeChannel.ts";
import type { LabDatabase } from "./database.ts";
import type { StoreName, StoreRecords } from "./records.ts";

/** What controllers need; tests use a map. */
export interface Collection<T> {
  all(): Promise<readonly T[]>;
  get(key: string): Promise<T | undefined>;
  put(record: T): Promise<void>;
  /**
   * Changes a record as it is stored; `change` returns the same object where there is nothing to change.
   * @returns what is stored now; undefined where the record is gone
   */
  update(key: string, change: (record: T) => T): Promise<T | undefined>;
  remove(key: string): Promise<void>;
  /** Called with the key of a record that another tab has written or removed. */
  onChange(listener: (key: string) => void): void;
}

/** A store of the database. What comes out was put there by this class, or copied from earlier versions. */
export class DatabaseCollection<Name extends StoreName> implements Collection<StoreRecords[Name]> {
  readonly #database: LabDatabase;
  readonly #channel: ChangeChannel;
  readonly #name: Name;

  constructor(database: LabDatabase, channel: ChangeChannel, name: Name) {
    this.#database = database;
    this.#channel = channel;
    this.#name = name;
  }

  async all(): Promise<readonly StoreRecords[Name][]> {
    const records: unknown = await this.#database.run((connection) => connection.getAll(this.#name));
    return records as readonly StoreRecords[Name][];
  }

  async get(key: string): Promise<StoreRecords[Name] | undefined> {
    const record: unknown = await this.#database.run((connection) => connection.get(this.#name, key));
    return record as StoreRecords[Name] | undefined;
  }

  async put(record: StoreRecords[Name]): Promise<void> {
    const key = await this.#database.run((connection) => connection.put(this.#name, record));
    this.#channel.announce(this.#name, String(key));
  }

  async update(
    key: string,
    change: (record: StoreRecords[Name]) => StoreRecords[Name],
  ): Promise<StoreRecords[Name] | undefined> {
    const { after, isChanged } = await this.#database.run(async (connection) => {
      const { store, done } = connection.transaction(this.#name, "readwrite");
      const before = (await store.get(key)) as StoreRecords[Name] | undefined;
      const after = before === undefined ? undefined : change(before);
      const isChanged = after !== undefined && after !== before;
      await Promise.all([isChanged ? store.put(after) : undefined, done]);
      return { after, isChanged };
    });
    if (isChanged) this.#channel.announce(this.#name, key);
    return after;
  }

  async remove(key: string): Promise<void> {
    await this.#database.run((connection) => connection.delete(this.#name, key));
    this.#channel.announce(this.#name, key);
  }

  onChange(listener: (key: string) => void): void {
    this.#channel.listen(this.#name, listener);
  }
}
