"""Seeded mistakes, as changes of the real scripts: the harness must find every one."""

from typing import Any

import pytest

from tests.property.machine import interleave
from tests.support.shard import Change, Shard, client

RUNS, STEPS = 200, 150

MISTAKES = {
    "store: no dedupe": Change("store.lua", "% 4096) == 1 then return 'dup' end", "% 4096) == 2 then return '' end"),
    "store: no push to ready on the first entry": Change(
        "parts/place.lua", "  put(lane)\n  return true", "  return true"
    ),
    "store: push on every entry": Change("parts/place.lua", "entry) > 1 then", "entry) > 9 then"),
    "store: alias not looked at": Change("store.lua", "if alias(chat) then return", "if false then return"),
    "store: an album that follows its caption is ignored": Change(
        "store.lua", "~= 'always' and not (grouped and album(lane, group))", "~= 'always'"
    ),
    "store: an edit replaces an entry that runs": Change(
        "store.lua", "type(taken) == 'string' and tonumber(taken) or 0", "0"
    ),
    "store: an edit loses the id it came with": Change("store.lua", "uids .. '+' .. uid, at", "uids, at"),
    "store: a flood without an end": Change("store.lua", "    finish(uid, 'dropped: flood')\n", ""),
    "store: a pause that drops nothing": Change("store.lua", "if policy == 'drop' then", "if policy == 'dropped' then"),
    "claim: a stale pop that leaves the turn record": Change(
        "claim.lua", "    if gone == 1 then call('DEL', turn) end\n", ""
    ),
    "claim: takes a lane that is claimed": Change(
        "claim.lua", "  call('ZREM', set, lane)\n  call('SET', P .. 'fence'", "  call('SET', P .. 'fence'"
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
        "claim.lua", "scope, moving = covered(pauses, lane)", "scope, moving = nil"
    ),
    "claim: the bot's pause not looked at": Change("claim.lua", "if not pauses['*'] then take", "if true then take"),
    "claim: a pause that parks commands": Change(
        "parts/pauses.lua", "  if not ordinary(lane) then return nil end\n", ""
    ),
    "claim: parking that loses the lane": Change("claim.lua", "  call('ZADD', P .. place, rank, lane)\n", ""),
    "claim: a stopped question runs": Change("claim.lua", "elseif t[3] and not journal then", "elseif false then"),
    "claim: stopped after it was shown": Change("claim.lua", "elseif t[3] and not journal then", "elseif t[3] then"),
    "claim: stale after it had begun": Change(
        "claim.lua", "local first, head, group = try == 0 and not journal", "local first, head, group = true"
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
    "mark: what people read comes at once": Change("mark.lua", "tonumber(p[3] or 0) + apart or 0", "0 or 0"),
    "mark: a beginning takes an answer's slot": Change("mark.lua", "part == '0' or ARGV[9] == 'grow'", "part == '0'"),
    "mark: an edit is journaled as a send": Change("mark.lua", "'0' and not edit and not same", "'0' and not same"),
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
    "complete: an inherited session that was merged stays": Change(
        "complete.lua", "if ARGV[7] == '1' then", "if false then"
    ),
    "complete: an inherited session goes unmerged": Change("complete.lua", "if ARGV[7] == '1' then", "if true then"),
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
    "merge: on a retry": Change("claim.lua", "    elseif not journal then\n      n = 1\n", ""),
    "merge: of several groups": Change("claim.lua", "    if other ~= group then break end\n", ""),
    "merge: of what has no group": Change("claim.lua", "n = group ~= '' and together", "n = together"),
    "merge: more than there may be": Change("claim.lua", "list, 0, merged - 1)", "list, 0, merged)"),
    "merge: an answer that has begun is joined": Change(
        "claim.lua", "try == 0 and not journal, 'begun'", "try == 0, 'begun'"
    ),
    "merge: a stop ends only the head": Change(
        "claim.lua", "      stopped(list, turn, n)\n", "      stopped(list, turn, 1)\n"
    ),
    "merge: the innocent are buried": Change("fail.lua", "journal = call('HGET', key, 'm:1') }", "journal = true }"),
    "merge: one of a shown answer is buried": Change("parts/bury.lua", "if turn.journal and", "if false and"),
    "album: it does not settle": Change(
        "claim.lua", "      if due then return park(lane, set, 'later', num(due)) end\n", ""
    ),
    "album: a part does not prolong": Change(
        "parts/album.lua", "local till = math.min(now", "local till = math.min(first"
    ),
    "album: a part stands where it came": Change(
        "store.lua", "call('LINSERT'", "if append(lane, entry) or true then return false end call('LINSERT'"
    ),
    "album: a part joins what runs": Change(
        "store.lua", "local low, high = type(taken) == 'string' and tonumber(taken) or 0", "local low, high = 0"
    ),
    "edit: it takes the group along": Change(
        "store.lua", "local keeps = was == group and was or ''", "local keeps = was"
    ),
    "edit: of what was answered it joins a group": Change("store.lua", "    group, grouped = '', false\n", ""),
    "forget: leaves the turn record": Change("parts/drop.lua", "    call('DEL', turn)\n", ""),
    "forget: drops the journal of a younger head": Change(
        "parts/drop.lua", "if heads == 0 then", "if heads == 0 or anew then"
    ),
    "forget: deletes younger entries": Change("forget.lua", "id < mid end, 'all')", "true end, 'all')"),
    "forget: deletes that a stop was heard": Change(
        "forget.lua",
        "  for _, mark in ipairs({",
        "  for _, key in ipairs(call('KEYS', P .. 'notice:' .. chat .. ':stop*')) do call('DEL', key) end\n"
        "  for _, mark in ipairs({",
    ),
    "forget: keeps the finished answer": Change(
        "parts/drop.lua", "    if changed or anew == 'all' then call('HDEL', turn, 'answer', 'done') end\n", ""
    ),
    "forget: counts the attempt": Change(
        "parts/drop.lua", "    if t[1] then call('HINCRBY', turn, 'try', -1) end\n", ""
    ),
    "forget: an expired holder may still end the turn": Change(
        "parts/drop.lua", "    call('HDEL', turn, 'last')\n", ""
    ),
    "forget: a shorter turn keeps its length": Change(
        "parts/drop.lua", "    if t[2] then call('HSET', turn, 'n', heads) end\n", ""
    ),
    "forget: whoever runs it goes on": Change("parts/drop.lua", "or anew and t[1]", "or false"),
    "forget: the lane is lost": Change("parts/drop.lua", "    if #kept > 0 then put(lane) end\n", ""),
    "forget: an entry without an end": Change("parts/drop.lua", "      finish(uids, 'dropped: forgotten')\n", ""),
    "forget: leaves dead letters": Change("parts/drop.lua", "if not uids or goes(", "if not uids and goes("),
    "forget: leaves the session": Change("forget.lua", "ipairs({ 'session:', 'inherit:',", "ipairs({ 'inherit:',"),
    "forget: leaves what a move brought": Change("forget.lua", "'session:', 'inherit:',", "'session:',"),
    "forget: leaves a parcel": Change("forget.lua", "if field ~= 'to' then", "if false then"),
    "forget: a parcel comes after it": Change(
        "forget.lua", "if ARGV[3] ~= '' then call('SET', P .. 'arrived:' .. ARGV[3], 1, 'EX', 30 * DAY) end\n", ""
    ),
    "erase: over what somebody wrote meanwhile": Change(
        "erase.lua", "~= ARGV[i + 1] then return", "== false then return"
    ),
    "erase: whoever knows what was said goes on": Change("erase.lua", "= 'same'", "= nil"),
    "erase: takes what others wrote": Change("erase.lua", "'|', 1, true) ~= nil end", "'|', 1, true) ~= 0 end"),
    "move: no hold on the new chat": Change("claim.lua", "pauses['>' .. chat_of(lane)]", "nil"),
    "move: hold not asked again when the turn has gone": Change(
        "claim.lua", "    if head ~= 'other' then", "    moving = nil\n    if head ~= 'other' then"
    ),
    "move: entries left in the old chat": Change("out.lua", "'lane:' .. lane) == 1 end", "'lane:' .. lane) == 2 end"),
    "move: the caller's own lane not counted": Change(
        "out.lua", "'lane:!' .. old, P .. 'lane:?' .. old", "'lane:?' .. old"
    ),
    "move: no note before it runs out": Change(
        "out.lua", "call('ZADD', P .. 'parcels', num(now), old)\nif busy", "if busy"
    ),
    "move: no arrival marker": Change(
        "into.lua", "'NX', 'EX', 30 * DAY) then return 'dup' end", "'EX', 1) then return end"
    ),
    "move: a repetition keeps the hold": Change(
        "into.lua",
        "if held then lift",
        "if call('EXISTS', P .. 'arrived:' .. old) == 1 then return 'dup' end\nif held then lift",
    ),
    "move: overwrites the new session": Change(
        "into.lua", "call('SET', P .. ARGV[i], ARGV", "call('SET', P .. 'session:' .. name, ARGV"
    ),
    "move: leaves the session behind": Change("out.lua", "    call('DEL', P .. kind .. lane)\n", ""),
    "move: a note that stays": Change("moved.lua", "call('ZREM', P .. 'parcels', ARGV[1])\n", ""),
    "move: nobody sees that it was left alone": Change("claim.lua", "num(now - MOVE_MS)", "num(now - 9 * MOVE_MS)"),
    "move: a pause of the old chat that nobody can end": Change("moved.lua", "then lift(scope, value) end", "then end"),
    "cool: a shorter penalty wins": Change(
        "cool.lua", "math.max(now + tonumber(ARGV[2]), tonumber(p[2] or 0))", "now + tonumber(ARGV[2])"
    ),
}

RARE = {
    "complete: an inherited session goes unmerged",
    "merge: one of a shown answer is buried",
    "merge: a stop ends only the head",
    "mark: the same id granted past a pause",
    "resume: cuts off what came after the end",
    "move: a repetition keeps the hold",
    "move: a pause of the old chat that nobody can end",
    "erase: whoever knows what was said goes on",
    "forget: leaves a parcel",
    "forget: leaves what a move brought",
    "forget: an expired holder may still end the turn",
    "forget: keeps the finished answer",
    "merge: on a retry",
}
"""Dozens of runs show these: `make soak` looks for them."""


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.soak] * (name in RARE)) for name in MISTAKES])
def test_the_harness_finds(name: str, valkey: str) -> None:
    server: Any = client(valkey)
    for seed in range(RUNS):
        try:
            interleave(Shard(server, MISTAKES[name]), seed, STEPS)
        except AssertionError:
            return
    pytest.fail(f"{RUNS} runs of {STEPS} steps found nothing wrong")
