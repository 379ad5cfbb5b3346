// Lua scripts of rows that several nodes share: each runs in Redis as one step. https://redis.io/docs/latest/develop/programmability/eval-intro/

/**
 * Keys behind the prefix, all with one hash tag: `cluster` its name, `nodes` by name, `lease:NODE`, `owners` node and
 * fence by group, `held:NODE` its groups, `group:GROUP` rows, `rows:TABLE` rows that all nodes have, `claims` the last fence,
 * `last:NODE` and `undo:NODE` its last batch. Channels: `to:NODE` and `all`.
 */
const HEAD = `
local P, node = KEYS[1], ARGV[1]
local function named(what) return P .. what end
local function isAlive(one) return redis.call('EXISTS', named('lease:' .. one)) == 1 end
local function nodeIn(owner) return string.match(owner, '^%S+') end
`;

/** The connection speaks for its node: an older one that Redis reads later does not. */
const CHECKED = `${HEAD}
if redis.call('GET', named('lease:' .. node)) ~= ARGV[2] then return redis.error_reply('OWNER this node has lost its lease') end
`;

const CLAIMING = `
local function claim(group, was, before)
  local fence = redis.call('INCR', named('claims'))
  redis.call('HSET', named('owners'), group, node .. ' ' .. fence)
  if before and before ~= node then redis.call('SREM', named('held:' .. before), group) end
  redis.call('SADD', named('held:' .. node), group)
  return {group, tostring(fence), was, redis.call('HGETALL', named('group:' .. group))}
end
`;

export type ClusterScript =
  | "join"
  | "renew"
  | "write"
  | "take"
  | "give"
  | "sweep"
  | "leave"
  | "held"
  | "tell"
  | "scan"
  | "read"
  | "persistence"
  | "nodes";

export const CLUSTER_SCRIPTS: Readonly<Record<ClusterScript, string>> = {
  /** node, token, lease in ms, cluster, what the node says of itself, batch in doubt, tables. Why not; empty: it is in. */
  join: `${HEAD}
local owner, name = redis.call('GET', named('owner')), redis.call('GET', named('cluster'))
if owner then return {'owner', owner} end
if name and name ~= ARGV[4] then return {'cluster', name} end
if not name then
  for at = 7, #ARGV do
    if redis.call('EXISTS', named('rows:' .. ARGV[at])) == 1 then return {'rows', ARGV[at]} end
  end
  redis.call('SET', named('cluster'), ARGV[4])
end
redis.call('SET', named('lease:' .. node), ARGV[2], 'PX', ARGV[3])
redis.call('HSET', named('nodes'), node, ARGV[5])
if ARGV[6] ~= '' and redis.call('GET', named('last:' .. node)) == ARGV[6] then
  local undo = redis.call('LRANGE', named('undo:' .. node), 0, -1)
  for at = #undo - 4, 1, -5 do
    local group = undo[at + 1]
    if group == '' or redis.call('HGET', named('owners'), group) == undo[at] then
      local key = group == '' and named(undo[at]) or named('group:' .. group)
      if undo[at + 3] == '1' then redis.call('HSET', key, undo[at + 2], undo[at + 4])
      else redis.call('HDEL', key, undo[at + 2]) end
      if group == '' then
        local table = string.sub(undo[at], #'rows:' + 1)
        redis.call('PUBLISH', named('all'), cjson.encode({kind = 'changed', by = node, table = table, ids = {undo[at + 2]}}))
      end
    end
  end
  redis.call('DEL', named('last:' .. node), named('undo:' .. node))
end
return {}`,

  /** node, token, lease in ms */
  renew: `${CHECKED}
redis.call('PEXPIRE', named('lease:' .. node), ARGV[3])
return 'OK'`,

  /** node, token, batch; then commit, group, fence, table, id, 1 or 0, text. Groups lost with their fence, commits refused. */
  write: `${CHECKED}
local owners, lost, refused, news = {}, {}, {}, {}
local isRefused = {}
for at = 4, #ARGV, 7 do
  local commit, group = ARGV[at], ARGV[at + 1]
  if group ~= '' then
    if owners[group] == nil then owners[group] = redis.call('HGET', named('owners'), group) or '' end
    if owners[group] ~= node .. ' ' .. ARGV[at + 2] then
      lost[#lost + 1] = group
      lost[#lost + 1] = ARGV[at + 2]
      if not isRefused[commit] then refused[#refused + 1] = commit end
      isRefused[commit] = true
    end
  end
end
local undo = named('undo:' .. node)
redis.call('DEL', undo)
for at = 4, #ARGV, 7 do
  if not isRefused[ARGV[at]] then
    local group, table, id = ARGV[at + 1], ARGV[at + 3], ARGV[at + 4]
    local isCommon = group == ''
    local key = isCommon and named('rows:' .. table) or named('group:' .. group)
    local field = isCommon and id or table .. ' ' .. id
    local before = redis.call('HGET', key, field)
    redis.call('RPUSH', undo, isCommon and 'rows:' .. table or owners[group], group, field, before and '1' or '0', before or '')
    if ARGV[at + 5] == '1' then redis.call('HSET', key, field, ARGV[at + 6]) else redis.call('HDEL', key, field) end
    if isCommon then
      news[table] = news[table] or {}
      news[table][#news[table] + 1] = id
    end
  end
end
redis.call('SET', named('last:' .. node), ARGV[3])
for table, ids in pairs(news) do
  redis.call('PUBLISH', named('all'), cjson.encode({kind = 'changed', by = node, table = table, ids = ids}))
end
return {lost, refused}`,

  /** node, token; then group, and the owner that it is taken from though alive, or nothing */
  take: `${CHECKED}${CLAIMING}
local found = {}
for at = 3, #ARGV, 2 do
  local group = ARGV[at]
  local owner = redis.call('HGET', named('owners'), group)
  local before = owner and nodeIn(owner)
  if not owner then found[#found + 1] = claim(group, 'free')
  elseif before == node then found[#found + 1] = claim(group, 'own', before)
  elseif not isAlive(before) then found[#found + 1] = claim(group, 'dead', before)
  elseif owner == ARGV[at + 1] then found[#found + 1] = claim(group, 'forced', before)
  else found[#found + 1] = {group, owner, 'elsewhere', {}} end
end
return found`,

  /** node, token, to whom, group, fence. 0: it stays. */
  give: `${CHECKED}
local to, group = ARGV[3], ARGV[4]
if redis.call('HGET', named('owners'), group) ~= node .. ' ' .. ARGV[5] then return 1 end
if redis.call('HEXISTS', named('nodes'), to) == 0 then return 0 end
redis.call('HSET', named('owners'), group, to .. ' ' .. redis.call('INCR', named('claims')))
redis.call('SREM', named('held:' .. node), group)
redis.call('SADD', named('held:' .. to), group)
redis.call('PUBLISH', named('to:' .. to), cjson.encode({kind = 'given', groups = {group}}))
return 1`,

  /** node, token, how many at most: groups of nodes whose lease has ended */
  sweep: `${CHECKED}${CLAIMING}
local found, most = {}, tonumber(ARGV[3])
for _, dead in ipairs(redis.call('HKEYS', named('nodes'))) do
  if dead ~= node and not isAlive(dead) then
    for _, group in ipairs(redis.call('SPOP', named('held:' .. dead), most - #found)) do
      if nodeIn(redis.call('HGET', named('owners'), group) or ' ') == dead then
        found[#found + 1] = claim(group, 'dead', dead)
      end
    end
    if redis.call('SCARD', named('held:' .. dead)) == 0 then
      redis.call('HDEL', named('nodes'), dead)
      redis.call('DEL', named('last:' .. dead), named('undo:' .. dead))
    end
  end
  if #found >= most then break end
end
return found`,

  /** node, token: it goes on purpose, others take what it has at once */
  leave: `${CHECKED}
redis.call('DEL', named('lease:' .. node), named('last:' .. node), named('undo:' .. node))
if redis.call('SCARD', named('held:' .. node)) == 0 then redis.call('HDEL', named('nodes'), node) end
redis.call('PUBLISH', named('all'), cjson.encode({kind = 'left', by = node}))
return 'OK'`,

  /** node: its groups */
  held: `${HEAD}
return redis.call('SMEMBERS', named('held:' .. node))`,

  /** node, to whom, text. How many have heard it. */
  tell: `${HEAD}
return redis.call('PUBLISH', named('to:' .. ARGV[2]), ARGV[3])`,

  /** node, table, cursor: rows that all nodes have */
  scan: `${HEAD}
return redis.call('HSCAN', named('rows:' .. ARGV[2]), ARGV[3], 'COUNT', 1000)`,

  /** node, table, id: one row that all nodes have, or nothing */
  read: `${HEAD}
return redis.call('HGET', named('rows:' .. ARGV[2]), ARGV[3])`,

  /** node: how durable this Redis is */
  persistence: `
return redis.call('INFO', 'persistence')`,

  /** node: of each its name, what it says of itself, what is left of its lease in ms, its groups */
  nodes: `${HEAD}
local found = {}
for _, one in ipairs(redis.call('HKEYS', named('nodes'))) do
  found[#found + 1] = {one, redis.call('HGET', named('nodes'), one), redis.call('PTTL', named('lease:' .. one)), redis.call('SCARD', named('held:' .. one))}
end
return found`,
};
