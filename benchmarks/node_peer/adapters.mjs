// Where oidc-provider keeps what it issues: a Map of this process, or PostgreSQL.
// Source: the adapter interface of oidc-provider.
import pg from 'pg';

const TABLE = `
CREATE TABLE IF NOT EXISTS oidc_entity (
  model text NOT NULL, id text NOT NULL, payload jsonb NOT NULL, grant_id text,
  consumed_at timestamptz, expires_at timestamptz, PRIMARY KEY (model, id))`;
const GRANTS = `
CREATE INDEX IF NOT EXISTS oidc_entity_grant ON oidc_entity (grant_id)
WHERE grant_id IS NOT NULL`;
// Named, so that PostgreSQL parses and plans each once per connection.
const UPSERT = {
  name: 'upsert',
  text: `INSERT INTO oidc_entity (model, id, payload, grant_id, expires_at)
    VALUES ($1, $2, $3, $4, now() + $5 * interval '1 second')
    ON CONFLICT (model, id) DO UPDATE SET payload = excluded.payload,
      expires_at = excluded.expires_at`,
};
const FIND = {
  name: 'find',
  text: `SELECT payload, consumed_at FROM oidc_entity
    WHERE model = $1 AND id = $2 AND (expires_at IS NULL OR expires_at > now())`,
};
const CONSUME = {
  name: 'consume',
  text: 'UPDATE oidc_entity SET consumed_at = now() WHERE model = $1 AND id = $2',
};
const DESTROY = {
  name: 'destroy',
  text: 'DELETE FROM oidc_entity WHERE model = $1 AND id = $2',
};
const REVOKE = { name: 'revoke', text: 'DELETE FROM oidc_entity WHERE grant_id = $1' };

class MapAdapter {
  constructor(model, entities) {
    this.model = model;
    this.entities = entities;
  }

  async upsert(id, payload, expiresIn) {
    const expires = expiresIn ? Date.now() + expiresIn * 1000 : Infinity;
    this.entities.set(`${this.model}:${id}`, { payload, expires });
  }

  async find(id) {
    const found = this.entities.get(`${this.model}:${id}`);
    return found && found.expires > Date.now() ? found.payload : undefined;
  }

  async consume(id) {
    const found = this.entities.get(`${this.model}:${id}`);
    if (found) found.payload = { ...found.payload, consumed: Math.floor(Date.now() / 1000) };
  }

  async destroy(id) {
    this.entities.delete(`${this.model}:${id}`);
  }

  async revokeByGrantId(grantId) {
    for (const [key, { payload }] of this.entities) {
      if (payload.grantId === grantId) this.entities.delete(key);
    }
  }
}

class PostgresAdapter {
  constructor(model, pool) {
    this.model = model;
    this.pool = pool;
  }

  async upsert(id, payload, expiresIn) {
    const values = [this.model, id, payload, payload.grantId ?? null, expiresIn ?? null];
    await this.pool.query({ ...UPSERT, values });
  }

  async find(id) {
    const { rows } = await this.pool.query({ ...FIND, values: [this.model, id] });
    if (rows.length === 0) return undefined;
    const [{ payload, consumed_at: consumed }] = rows;
    return consumed ? { ...payload, consumed: Math.floor(consumed / 1000) } : payload;
  }

  async consume(id) {
    await this.pool.query({ ...CONSUME, values: [this.model, id] });
  }

  async destroy(id) {
    await this.pool.query({ ...DESTROY, values: [this.model, id] });
  }

  async revokeByGrantId(grantId) {
    await this.pool.query({ ...REVOKE, values: [grantId] });
  }
}

// Answers a factory of adapters over entities that the caller may read and fill.
export function inMemory(entities) {
  return (model) => new MapAdapter(model, entities);
}

// Answers a factory of adapters over one pool; libpq's variables say where.
export async function inPostgres(connections) {
  const pool = new pg.Pool({ max: connections });
  return (model) => new PostgresAdapter(model, pool);
}

export async function makeTable() {
  const client = new pg.Client();
  await client.connect();
  await client.query(TABLE);
  await client.query(GRANTS);
  await client.end();
}
