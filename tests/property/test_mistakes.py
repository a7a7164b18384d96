"""The seeded mistakes of lanes.md section 11, as changes of the real scripts: the harness must find every one."""

from typing import Any

import pytest

from tests.property.machine import interleave
from tests.support.shard import Change, Shard, client

RUNS, STEPS = 150, 150

MISTAKES = {
    "store: no dedupe": Change("store.lua", "% 4096) == 1 then return 'dup' end", "% 4096) == 2 then return '' end"),
    "store: no push to ready on the first entry": Change(
        "parts/place.lua", "    put(lane)\n    return true", "    return true"
    ),
    "store: push on every entry": Change("parts/place.lua", "entry) == 1 then", "entry) >= 1 then"),
    "store: an edit replaces an entry that runs": Change(
        "store.lua", "tonumber(call('HGET', P .. 'turn:' .. lane, 'n') or 0)", "0"
    ),
    "store: an edit loses the id it came with": Change("store.lua", "uids .. '+' .. uid, at", "uids, at"),
    "store: a flood without an end": Change("store.lua", "    finish(uid, 'dropped: flood')\n", ""),
    "store: a pause that drops nothing": Change("store.lua", "if policy == 'drop' then", "if policy == 'dropped' then"),
    "claim: a stale pop that leaves the turn record": Change(
        "claim.lua", "    if gone == 1 then call('DEL', turn) end\n", ""
    ),
    "claim: takes a lane that is claimed": Change(
        "claim.lua", "      call('ZREM', set, lane)\n      call('SET', P .. 'fence'", "      call('SET', P .. 'fence'"
    ),
    "claim: sweep of an unexpired lease": Change(
        "claim.lua", "'leases', '-inf', num(now)", "'leases', '-inf', num(now + 200)"
    ),
    "claim: an expired lane that is not returned": Change("claim.lua", "    put(lane, t[2] or nil)\n", ""),
    "claim: an expired lane that goes to the tail": Change("claim.lua", "put(lane, t[2] or nil)", "put(lane)"),
    "claim: expiry that leaves the token": Change(
        "claim.lua", "    untoken(lane)\n", "    call('ZREM', P .. 'leases', lane)\n"
    ),
    "claim: expiry that forgets who held": Change(
        "claim.lua", "    if t[1] then call('HSET', P .. 'turn:' .. lane, 'last', t[1]) end\n", ""
    ),
    "claim: no call number": Change("claim.lua", "if number == last then", "if number == last and false then"),
    "claim: a repetition claims anew": Change(
        "claim.lua", "  if number == last then\n    repeated(log)\n  elseif number > last then", "  if true then"
    ),
    "claim: call number compared only for equality": Change("claim.lua", "  elseif number > last then", "  else"),
    "claim: a repetition gives lanes that are gone": Change(
        "claim.lua",
        "if call('HGET', P .. 'turn:' .. lane, 'token') == token then",
        "if call('EXISTS', P .. 'turn:' .. lane) == 1 then",
    ),
    "claim: no attempt limit": Change("claim.lua", "elseif try >= attempts then", "elseif try >= 99 then"),
    "claim: attempt counted after the work": Change("claim.lua", "'try', try + 1", "'try', try"),
    "claim: a chat's pause not looked at": Change(
        "claim.lua", "local scope = covered(pauses, lane)", "local scope = nil"
    ),
    "claim: the bot's pause not looked at": Change("claim.lua", "if not pauses['*'] then take", "if true then take"),
    "claim: a pause that parks commands": Change(
        "parts/pauses.lua", "  if not ordinary(lane) then return nil end\n", ""
    ),
    "claim: parking that loses the lane": Change(
        "claim.lua", "    call('ZADD', P .. 'held:' .. scope, rank, lane)\n", ""
    ),
    "claim: a stopped question runs": Change("claim.lua", "elseif t[3] and not journal then", "elseif false then"),
    "claim: stopped after it was shown": Change("claim.lua", "elseif t[3] and not journal then", "elseif t[3] then"),
    "claim: stale after it had begun": Change(
        "claim.lua", "elseif try == 0 and not journal and discard", "elseif discard"
    ),
    "claim: a timed pause that never ends": Change(
        "claim.lua", "tonumber((record(value))) or 0", "tonumber(record(value)) or 0"
    ),
    "claim: a lane that never wakes": Change("claim.lua", "      put(member)\n", ""),
    "mark: the same id granted past a pause": Change(
        "mark.lua", "if ARGV[8] == '1' and", "if ARGV[8] == '1' and not string.find(noted or '', op, 1, true) and"
    ),
    "mark: a slot granted in a penalty": Change("mark.lua", "math.max(slot, penalty) - now", "slot - now"),
    "mark: granted in a penalty": Change("mark.lua", "math.max(tat - free * gap, penalty)", "tat - free * gap"),
    "mark: no token check": Change("mark.lua", "if t[1] ~= token then", "if not t[1] then"),
    "mark: no mark before the send": Change(
        "mark.lua", "not same then call('HSET', turn, field,", "same then call('HSET', turn, field,"
    ),
    "mark: unbounded marks": Change("mark.lua", "tonumber(k) >= 2", "tonumber(k) >= 99"),
    "mark: without operation id": Change("mark.lua", "local same = marked == op", "local same = false"),
    "mark: pause not looked at": Change("mark.lua", "if pauses['*'] or covered(pauses, lane) then", "if false then"),
    "mark: the bot's pause not looked at": Change("mark.lua", "if pauses['*'] or covered", "if covered"),
    "mark: an answer that changes": Change("mark.lua", "call('HSETNX', turn, 'answer'", "call('HSET', turn, 'answer'"),
    "sent: no token check": Change("sent.lua", "'token') ~= ARGV[2] then", "'token') == '' then"),
    "renew: no token check": Change("renew.lua", "'token') == ARGV[i + 1] then", "'token') then"),
    "renew: leases a lane that nobody holds": Change(
        "renew.lua", "    refused[#refused + 1] = ARGV[i + 1]", "    call('ZADD', P .. 'leases', till, ARGV[i])"
    ),
    "complete: no token check": Change("complete.lua", "if t[1] ~= token and not expired or n >", "if not t[2] or n >"),
    "complete: no put when something is left": Change("complete.lua", "if left > 0 then put(lane) end\n", ""),
    "complete: put when nothing is left": Change("complete.lua", "if left > 0 then put(lane) end", "put(lane)"),
    "complete: turn record kept": Change("complete.lua", "call('DEL', turn)\n", ""),
    "complete: forgets the session": Change(
        "complete.lua", "if ARGV[5] ~= '' then call('SET', session", "if ARGV[5] == '?' then call('SET', session"
    ),
    "complete: a notice that counts as an update": Change(
        "parts/ends.lua", "  id = string.gsub(id, '%+', '.') --", "  --"
    ),
    "end: a signal that outlives its token": Change("parts/place.lua", "  call('HDEL', P .. 'signals', lane)\n", ""),
    "release: `last` kept": Change("release.lua", "call('HDEL', turn, 'last')\n", ""),
    "release: a certain failure's id lost": Change("release.lua", "takeback(turn, ARGV[4])\n", ""),
    "release: no token check": Change("release.lua", "if t[1] ~= token then return 'uncounted' end\n", ""),
    "release: anybody may": Change(
        "release.lua", "if t[1] ~= token and t[2] ~= token then", "if not t[1] and not t[2] then"
    ),
    "release: lane not put back": Change("release.lua", "  put(lane, t[3])\n", ""),
    "release: put at the tail": Change("release.lua", "  put(lane, t[3])\n", "  put(lane)\n"),
    "release: counts the attempt": Change("release.lua", "call('HINCRBY', turn, 'try', -1)\n", ""),
    "fail: a certain failure's id lost": Change("fail.lua", "takeback(key, ARGV[5])\n", ""),
    "fail: no token check": Change("fail.lua", "if t[1] ~= token then", "if not t[2] then"),
    "fail: lane not put back": Change(
        "fail.lua", "  call('ZADD', P .. 'later', num(now + tonumber(ARGV[3])), lane)\n", ""
    ),
    "fail: forgets the rest of the lane": Change("fail.lua", "0 then put(lane) end\n", "0 then return 'dead' end\n"),
    "bury: takes the rest of the lane": Change("parts/bury.lua", "call('LTRIM', list, n, -1)", "call('DEL', list)"),
    "bury: leaves the turn record": Change("parts/bury.lua", "  call('DEL', P .. 'turn:' .. lane)\n", ""),
    "bury: a letter that never goes": Change("parts/bury.lua", "  call('EXPIRE', P .. 'dead', DEAD_SECONDS)\n", ""),
    "hold: takes claimed lanes": Change(
        "hold.lua",
        "'hold ' .. token)\n",
        "'hold ' .. token)\n    call('ZREM', P .. 'leases', lane)\n    call('ZADD', P .. 'held:' .. scope, 1, lane)\n",
    ),
    "hold: an older command wins": Change("hold.lua", "then return 'old' end", "then unrefused() end"),
    "hold: nobody is told": Change("hold.lua", "    call('HSET', P .. 'signals', lane, 'hold ' .. token)\n", ""),
    "resume: forgets the held lanes": Change(
        "parts/pauses.lua", "  for i = 1, #held, 2 do call('ZADD', P .. 'ready', held[i + 1], held[i]) end\n", ""
    ),
    "resume: leaves them in held as well": Change("parts/pauses.lua", "  call('DEL', P .. 'held:' .. scope)\n", ""),
    "resume: an earlier cut-off forgotten": Change(
        "parts/pauses.lua", "noted and tonumber(string.match", "false and tonumber(string.match"
    ),
    "resume: cuts off what came after the end": Change(
        "parts/pauses.lua", "and math.min(now, tonumber(till)) or now", "and now or now"
    ),
    "signal: without mid": Change("signal.lua", "if tonumber(id) >= mid then", "if false then"),
    "signal: without dedupe": Change("signal.lua", "3600) then return { 'dup', '' } end", "3600) then unrefused() end"),
    "signal: hits a later question": Change("signal.lua", "tonumber(t[3]) > at", "tonumber(t[3]) > at + 2000"),
    "cool: a shorter penalty wins": Change(
        "cool.lua", "math.max(now + tonumber(ARGV[2]), tonumber(p[2] or 0))", "now + tonumber(ARGV[2])"
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_the_harness_finds(name: str, valkey: str) -> None:
    server: Any = client(valkey)
    for seed in range(RUNS):
        try:
            interleave(Shard(server, MISTAKES[name]), seed, STEPS)
        except AssertionError:
            return
    pytest.fail(f"{RUNS} runs of {STEPS} steps found nothing wrong")
