// Lua scripts of the Redis store: each runs in Redis as one step. https://redis.io/docs/latest/develop/programmability/eval-intro/

/** Keys of a node: who may write, the last batch, how to undo it, one hash per table; last, the name of a cluster that has the database. */
export function redisKeys(prefix: string, tables: readonly string[]): readonly string[] {
  // One hash tag, so that a cluster has them in one place.
  const key = (name: string): string => `{${prefix}}:${name}`;
  const rows = tables.map((table) => key(`rows:${table}`));
  return [key("owner"), key("last"), key("undo"), ...rows, key("cluster")];
}

/** All rows of a batch, with what they replace, or none when somebody else owns the rows now. */
export const WRITE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('OWNER another node has these rows') end
redis.call('DEL', KEYS[3])
for at = 3, #ARGV, 4 do
  local key, id = KEYS[3 + tonumber(ARGV[at])], ARGV[at + 2]
  local before = redis.call('HGET', key, id)
  redis.call('RPUSH', KEYS[3], ARGV[at], id, before and '1' or '0', before or '')
  if ARGV[at + 1] == '1' then redis.call('HSET', key, id, ARGV[at + 3]) else redis.call('HDEL', key, id) end
end
redis.call('SET', KEYS[2], ARGV[2])
return 'OK'`;

/**
 * Makes a token the owner, if nobody else is; a batch that was reported as failed is undone if it had come through.
 * Whatever an older token has sent and Redis reads later is refused.
 */
export const CLAIM = `
local cluster = redis.call('GET', KEYS[#KEYS])
if cluster then return {'the cluster ' .. cluster, -1} end
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[2] then return {owner, redis.call('PTTL', KEYS[1])} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
if ARGV[4] ~= '' and redis.call('GET', KEYS[2]) == ARGV[4] then
  local undo = redis.call('LRANGE', KEYS[3], 0, -1)
  for at = #undo - 3, 1, -4 do
    local key = KEYS[3 + tonumber(undo[at])]
    if undo[at + 2] == '1' then redis.call('HSET', key, undo[at + 1], undo[at + 3])
    else redis.call('HDEL', key, undo[at + 1]) end
  end
  redis.call('DEL', KEYS[2], KEYS[3])
end
return {}`;

/** The owner stays it. */
export const RENEW = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('OWNER another node has these rows') end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 'OK'`;

export const RELEASE = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 'OK'`;
