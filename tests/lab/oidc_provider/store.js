// What the provider keeps, in memory: oidc-provider's adapter (its docs: "adapter"), one Map for each model.

const models = new Map();

function entries(model) {
  if (!models.has(model)) models.set(model, new Map());
  return models.get(model);
}

// A refresh token's second use is forgiven for so long after the first (Okta calls it a grace period); 0: never.
let graceSeconds = 0;

export function setGrace(seconds) {
  graceSeconds = seconds;
}

// Everything of one person or client, or of a whole model, is gone at once.
export function forget(model, matches = () => true) {
  for (const [id, entry] of entries(model)) {
    if (matches(entry.payload)) entries(model).delete(id);
  }
}

export class Store {
  constructor(model) {
    this.model = model;
    this.entries = entries(model);
  }

  async upsert(id, payload, expiresIn) {
    const endsAt = expiresIn === undefined ? Infinity : Date.now() + expiresIn * 1000;
    this.entries.set(id, { payload, endsAt });
  }

  async find(id) {
    const entry = this.entries.get(id);
    if (entry === undefined || Date.now() > entry.endsAt) return undefined;
    const { consumed, ...rest } = entry.payload;
    const forgiven = this.model === 'RefreshToken' && Date.now() / 1000 < consumed + graceSeconds;
    return forgiven ? rest : entry.payload;
  }

  async findByUid(uid) {
    return this.#first((payload) => payload.uid === uid);
  }

  async findByUserCode(userCode) {
    return this.#first((payload) => payload.userCode === userCode);
  }

  async consume(id) {
    const { payload } = this.entries.get(id);
    payload.consumed ??= Date.now() / 1000;
  }

  async destroy(id) {
    this.entries.delete(id);
  }

  async revokeByGrantId(grantId) {
    forget(this.model, (payload) => payload.grantId === grantId);
  }

  #first(matches) {
    const now = Date.now();
    return [...this.entries.values()].find((entry) => now <= entry.endsAt && matches(entry.payload))?.payload;
  }
}
