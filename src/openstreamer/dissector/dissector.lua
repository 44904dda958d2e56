-- The code: it knows messages, headers and kinds of fields, and no record or block. A function that reads gets
-- a tree item to show in, or nil where it only has to find out whether the bytes fit. It gives the position
-- behind what it read, or nil and what is wrong; a third value `false` says that something inside was wrong.

local LIMIT = 16 * 1024 * 1024 -- bytes of the longest message accepted
local HEADER_VERSION, HEADER_SIZE = 1, 8
local ITEM_VERSIONS = 1 -- 0 and 1 occur
local SHOWN_MESSAGES = 6 -- of one frame, in the column "Info"

local estreamer = Proto("estreamer", "eStreamer")

-- Fields ------------------------------------------------------------------------------------------------------

local wanted, in_order, by_class, by_type = {}, {}, {}, {{}, {}}

local ACRONYMS = {
    acl = true, amp = true, dhcp = true, dns = true, dn = true, http = true, icmp = true, id = true, ioc = true,
    ip = true, ipv4 = true, ipv6 = true, mac = true, mpls = true, nat = true, os = true, qos = true, sha = true,
    si = true, smb = true, smtp = true, tcp = true, tls = true, udp = true, uri = true, url = true, uuid = true,
    vlan = true, vpn = true, vrf = true, ttl = true, netbios = false,
}

local function label(name)
    local words = {}
    for word in name:gmatch("[^_]+") do
        if ACRONYMS[word] then
            word = word:upper()
        elseif #words == 0 then
            word = word:sub(1, 1):upper() .. word:sub(2)
        end
        words[#words + 1] = word
    end
    return table.concat(words, " ")
end

-- A field of this protocol by its abbreviation, made when it is first asked for. Versions that differ in width
-- share one field, and so do IPv4 and IPv6 addresses.
local function want(abbreviation, way, size, name, text, words)
    local field = wanted[abbreviation]
    if field == nil then
        field = {abbreviation = abbreviation, way = way, size = size, label = name, text = text, words = words}
        wanted[abbreviation] = field
        in_order[#in_order + 1] = field
    elseif field.way ~= way then
        assert((field.way == "ip" and way == "ipv4") or (field.way == "ipv4" and way == "ip"), abbreviation)
        field.way = "ip"
    end
    field.size = math.max(field.size or 0, size or 0)
    field.words = field.words or words
    return field
end

local function none(name, text)
    return want("estreamer." .. name, "none", nil, text or label(name), "")
end

local function generic(name, way, size, text, words)
    return want("estreamer." .. name, way, size, label(name), text, words)
end

-- What type of field shows a kind of field.
local function shown_as(kind)
    if kind.way == "string" or kind.text then
        return "text"
    elseif kind.way == "counted" or kind.way == "rest" or kind.way == "blob" then
        return "octets"
    elseif kind.way == "list" or kind.way == "rest_blocks" or kind.way == "nested" then
        return "none"
    end
    return kind.way
end

local MAKE = {
    none = function(f) return ProtoField.none(f.abbreviation, f.label, f.text) end,
    text = function(f) return ProtoField.new(f.label, f.abbreviation, ftypes.STRING, nil, base.NONE, nil, f.text) end,
    octets = function(f) return ProtoField.bytes(f.abbreviation, f.label, base.NONE, f.text) end,
    ipv4 = function(f) return ProtoField.ipv4(f.abbreviation, f.label, f.text) end,
    ip = function(f) return ProtoField.ipv6(f.abbreviation, f.label, f.text) end,
    mac = function(f) return ProtoField.ether(f.abbreviation, f.label, f.text) end,
    uuid = function(f) return ProtoField.guid(f.abbreviation, f.label, f.text) end,
    flag = function(f) return ProtoField.bool(f.abbreviation, f.label, f.size * 8, nil, f.mask, f.text) end,
    number = function(f)
        return ProtoField["uint" .. f.size * 8](
            f.abbreviation, f.label, f.base or base.DEC, ENUMERATIONS[f.words], f.mask, f.text)
    end,
    signed = function(f)
        return ProtoField["int" .. f.size * 8](
            f.abbreviation, f.label, base.DEC, ENUMERATIONS[f.words], nil, f.text)
    end,
}

-- The single bits of a mask in ascending order, each a field that all masks of that kind share.
local bits_of = {}

local function bits(id)
    if bits_of[id] == nil then
        local found = {}
        for bit, word in pairs(MASKS[id]) do
            if bit > 0 and bit < 2 ^ 32 then
                local field = want("estreamer.bit." .. id .. "." .. word, "flag", 4, label(word), "")
                field.mask = bit
                found[#found + 1] = {bit = bit, word = word, field = field}
            end
        end
        table.sort(found, function(one, other) return one.bit < other.bit end)
        bits_of[id] = found
    end
    return bits_of[id]
end

local function prepare_row(layout, row)
    row.name, row.kind, row.text = row[1], KINDS[row[2]], row[3]
    row.label = label(row.name)
    local abbreviation = "estreamer." .. layout.id .. "." .. (row.field or row.name)
    row.field = want(abbreviation, shown_as(row.kind), row.kind.size, row.label, row.text, row.words)
    if MASKS[row.words] then
        row.bits = bits(row.words)
    end
end

for _, layout in ipairs(LAYOUTS) do
    by_class[layout.class] = layout
    layout.field = none(layout.id)
    layout.plans, layout.by_number, layout.versions = {}, {}, {}
    for form, version in ipairs(layout.forms) do
        local number = version[1]
        layout.plans[form] = {}
        layout.by_number[number] = layout.by_number[number] or {}
        table.insert(layout.by_number[number], form)
        layout.versions[number] = version[2]
        if layout.series then
            by_type[layout.series][number] = layout
        end
    end
    for _, row in ipairs(layout.rows) do
        prepare_row(layout, row)
        for _, span in ipairs(row.spans or {{1, #layout.forms}}) do
            for form = span[1], span[2] do
                table.insert(layout.plans[form], row)
            end
        end
    end
end

-- Only now is it known which fields hold both kinds of address.
for _, layout in ipairs(LAYOUTS) do
    for _, row in ipairs(layout.rows) do
        if row.field.way == "ip" then
            row.v4 = want(row.field.abbreviation .. ".v4", "ipv4", 4, row.label, "The address, where it is IPv4.")
        end
    end
end

local FIELD = {
    bytes = generic("bytes", "octets", nil, "Bytes whose layout is not known."),
    left_over = generic("left_over", "octets", nil, "Bytes behind the last field that is known."),
    unknown_block = none("unknown_block"),
    block_type = generic("block_type", "number", 4, "Number of a data block within its series."),
    block_length = generic("block_length", "number", 4, "Bytes of the block, these 8 included."),
    record = none("record"),
    record_type = generic("record_type", "number", 4, "Which record it is.", "record_type"),
    netmap_id = generic("netmap_id", "number", 4, "Domain that the record belongs to."),
    long_header = generic("long_record_header", "flag", 4, "Says that the long record header follows."),
    item = none("item"),
    service = none("service"),
    event_type = none("event_type"),
}
FIELD.record_type.mask = 0x0000FFFF
FIELD.netmap_id.mask = 0x7FFF0000
FIELD.long_header.mask = 0x80000000

ENUMERATIONS.record_type = {}
for number, record in pairs(RECORDS) do
    ENUMERATIONS.record_type[number] = record.name
    local blocks, fields = {}, {}
    for _, class in ipairs(record.blocks or {}) do
        for block_type in pairs(by_class[class].by_number) do
            blocks[block_type] = blocks[block_type] or by_class[class]
        end
    end
    for _, class in ipairs(record.fields or {}) do
        fields[#fields + 1] = by_class[class]
    end
    record.by_type, record.plain, record.any_block = blocks, fields, next(blocks) ~= nil
end

local registered = {}
for _, field in ipairs(in_order) do
    field.proto = MAKE[field.way](field)
    registered[#registered + 1] = field.proto
end
estreamer.fields = registered

local EXPERT = {
    malformed = ProtoExpert.new(
        "estreamer.malformed", "Malformed", expert.group.MALFORMED, expert.severity.ERROR),
    unknown = ProtoExpert.new(
        "estreamer.unknown", "Not known", expert.group.UNDECODED, expert.severity.NOTE),
    more = ProtoExpert.new(
        "estreamer.more", "Bytes behind the last known field", expert.group.UNDECODED, expert.severity.NOTE),
}
estreamer.experts = {EXPERT.malformed, EXPERT.unknown, EXPERT.more}

-- Showing -----------------------------------------------------------------------------------------------------

local function add_octets(tree, field, tvb, pos, stop)
    return tree:add(field.proto, tvb(pos, stop - pos))
end

-- Say that something is wrong, and show the bytes that could not be read.
local function complain(tree, tvb, pos, stop, text)
    local item = tree
    if pos < stop then
        item = add_octets(tree, FIELD.bytes, tvb, pos, stop)
    end
    item:add_proto_expert_info(EXPERT.malformed, text)
end

local function add_unknown(tree, tvb, pos, stop, text)
    if pos < stop then
        add_octets(tree, FIELD.bytes, tvb, pos, stop):add_proto_expert_info(EXPERT.unknown, text)
    else
        tree:add_proto_expert_info(EXPERT.unknown, text)
    end
end

local function add_left_over(tree, tvb, pos, stop)
    if pos < stop then
        add_octets(tree, FIELD.left_over, tvb, pos, stop):add_proto_expert_info(EXPERT.more)
    end
end

-- One NUL at the end of a text does not belong to it.
local function add_text(tree, field, tvb, pos, stop)
    if stop > pos and tvb(stop - 1, 1):uint() == 0 then
        stop = stop - 1
    end
    tree:add_packet_field(field.proto, tvb(pos, stop - pos), ENC_UTF_8)
end

local function add_content(tree, row, tvb, pos, stop)
    if row.field.way == "text" then
        add_text(tree, row.field, tvb, pos, stop)
    else
        add_octets(tree, row.field, tvb, pos, stop)
    end
end

-- Show the bits of a mask that are set, each as an item of its own; gives them in words.
local function add_bits(item, row, range, value)
    local found = {}
    for _, entry in ipairs(row.bits) do
        if math.floor(value / entry.bit) % 2 == 1 then
            item:add(entry.field.proto, range)
            found[#found + 1] = entry.word
            value = value - entry.bit
        end
    end
    if value > 0 and #found > 0 then
        found[#found + 1] = string.format("0x%x", value)
    end
    return #found > 0 and table.concat(found, " | ") or MASKS[row.words][value]
end

local function add_number(tree, row, tvb, pos, seen)
    local range = tvb(pos, row.kind.size)
    local item = row.kind.little and tree:add_le(row.field.proto, range) or tree:add(row.field.proto, range)
    if not (row.keep or row.bits or row.time or row.words_by) then
        return
    end
    local value = row.kind.little and range:le_uint64():tonumber() or range:uint64():tonumber()
    seen[row.name] = value
    local words
    if row.bits then
        words = add_bits(item, row, range, value)
    elseif row.words_by then
        local table_of_words = ENUMERATIONS[string.format("%s%d", row.words_by[2], seen[row.words_by[1]] or 0)]
        words = table_of_words and table_of_words[value]
    elseif row.time and value > 0 and value < 0xFFFFFFFF then
        words = os.date("!%Y-%m-%d %H:%M:%S UTC", value)
    end
    if words then
        item:append_text(" (" .. words .. ")")
    end
end

local function is_mapped(tvb, pos)
    return tvb(pos, 4):uint() == 0 and tvb(pos + 4, 4):uint() == 0 and tvb(pos + 8, 4):uint() == 0xFFFF
end

-- An IPv4 address in a field for both kinds is shown as such, and can be filtered for in both forms.
local function add_address(tree, row, tvb, pos)
    local range, little = tvb(pos, row.kind.size), row.kind.little
    if row.field.way == "ipv4" then
        return little and tree:add_le(row.field.proto, range) or tree:add(row.field.proto, range)
    elseif row.kind.way == "ip" and not is_mapped(tvb, pos) then
        return tree:add(row.field.proto, range)
    end
    local fourth = row.kind.way == "ip" and tvb(pos + 12, 4) or range
    local address = little and fourth:le_ipv4() or fourth:ipv4()
    local item = tree:add(row.field.proto, range, Address.ipv6("::ffff:" .. tostring(address)))
    item:set_text(row.label .. ": " .. tostring(address))
    item:add(row.v4.proto, fourth, address):set_hidden()
end

-- Reading -----------------------------------------------------------------------------------------------------

local function has(numbers, number)
    for _, other in ipairs(numbers) do
        if other == number then
            return true
        end
    end
    return false
end

-- Number and end of the block that starts here.
local function block_header(tvb, pos, stop)
    if stop - pos < 8 then
        return nil, string.format("8 bytes needed, %d left", stop - pos)
    end
    local length = tvb(pos + 4, 4):uint()
    if length < 8 or length > stop - pos then
        return nil, string.format("impossible block length %d, %d bytes left", length, stop - pos)
    end
    return tvb(pos, 4):uint(), pos + length
end

-- The end of a block that must bear one of these numbers.
local function expected(tvb, pos, stop, numbers)
    local number, block_stop = block_header(tvb, pos, stop)
    if number == nil then
        return nil, block_stop
    elseif not has(numbers, number) then
        return nil, string.format("header of block type %d instead of %d", number, numbers[1])
    end
    return block_stop
end

local READ = {}
local show_layout

-- All fields of one form; gives the position behind them and whether all was well.
local function walk(tree, layout, form, tvb, pos, stop, depth)
    local seen, sound = {}, true
    for _, row in ipairs(layout.plans[form]) do
        local behind, problem, inside = READ[row.kind.way](tree, row, layout, tvb, pos, stop, depth, seen)
        if behind == nil then
            if tree then
                complain(tree, tvb, pos, stop, row.label .. ": " .. problem)
            end
            return stop, false
        end
        pos = behind
        sound = sound and inside ~= false
    end
    return pos, sound
end

-- The form to read a version by: the first that ends exactly at the end, else the first that can be read.
local function choose(layout, number, tvb, pos, stop, depth)
    local forms = layout.by_number[number]
    if #forms == 1 then
        return forms[1]
    end
    local readable
    for _, form in ipairs(forms) do
        local behind, sound = walk(nil, layout, form, tvb, pos, stop, depth)
        if sound and behind == stop then
            return form
        elseif sound then
            readable = readable or form
        end
    end
    return readable or forms[1]
end

local function layout_for(items, series, number)
    if items == nil then
        return by_type[series][number]
    end
    for _, class in ipairs(items) do
        if by_class[class].by_number[number] then
            return by_class[class]
        end
    end
end

local function show_unknown_block(tree, series, number, tvb, pos, stop)
    local name = UNKNOWN[series] and UNKNOWN[series][number]
    local text = string.format("block %d of series %d", number, series)
    local item = tree:add(FIELD.unknown_block.proto, tvb(pos, stop - pos))
    item:set_text("Unknown " .. text .. (name and " (" .. name .. ")" or ""))
    item:add(FIELD.block_type.proto, tvb(pos, 4))
    item:add(FIELD.block_length.proto, tvb(pos + 4, 4))
    add_unknown(item, tvb, pos + 8, stop, "The layout of " .. text .. " is not known")
end

-- The block that starts here.
local function read_block(tree, items, series, tvb, pos, stop, depth)
    local number, block_stop = block_header(tvb, pos, stop)
    if number == nil then
        return nil, block_stop
    elseif depth >= NUMBERS.depth then
        return nil, string.format("blocks nested deeper than %d", NUMBERS.depth)
    end
    local layout = layout_for(items, series, number)
    if layout then
        local _, sound = show_layout(tree, layout, number, tvb, pos, block_stop, depth + 1)
        return block_stop, nil, sound
    elseif tree then
        show_unknown_block(tree, series, number, tvb, pos, block_stop)
    end
    return block_stop
end

-- Blocks end to end; gives whether all was well.
local function read_blocks(tree, items, series, tvb, pos, stop, depth)
    local sound = true
    while pos < stop do
        local behind, problem, inside = read_block(tree, items, series, tvb, pos, stop, depth)
        if behind == nil then
            if tree then
                complain(tree, tvb, pos, stop, problem)
            end
            return false
        end
        pos = behind
        sound = sound and inside ~= false
    end
    return sound
end

-- A block with its header, or a body of plain fields; gives what `walk` gives, and its tree item.
function show_layout(tree, layout, number, tvb, pos, stop, depth)
    local start = layout.series and pos + 8 or pos
    local form = choose(layout, number, tvb, start, stop, depth)
    local item
    if tree then
        item = tree:add(layout.field.proto, tvb(pos, stop - pos))
        if layout.series then
            item:set_text(string.format(
                "%s, block %d of series %d (%s)", layout.field.label, number, layout.series, layout.versions[number]))
            item:add(FIELD.block_type.proto, tvb(pos, 4))
            item:add(FIELD.block_length.proto, tvb(pos + 4, 4))
        end
    end
    local behind, sound = walk(item, layout, form, tvb, start, stop, depth)
    if item then
        add_left_over(item, tvb, behind, stop)
    end
    return behind, sound, item
end

local function fixed(show)
    return function(tree, row, _, tvb, pos, stop, _, seen)
        local size = row.kind.size
        if size > stop - pos then
            return nil, string.format("%d bytes needed, %d left", size, stop - pos)
        end
        if tree then
            show(tree, row, tvb, pos, seen)
        elseif row.keep then
            seen[row.name] = tvb(pos, size):uint64():tonumber()
        end
        return pos + size
    end
end

READ.number = fixed(add_number)
READ.signed = READ.number
READ.ip = fixed(add_address)
READ.ipv4 = READ.ip
READ.octets = fixed(function(tree, row, tvb, pos) tree:add(row.field.proto, tvb(pos, row.kind.size)) end)
READ.mac = READ.octets
READ.uuid = READ.octets

function READ.string(tree, row, _, tvb, pos, stop)
    local behind, problem = expected(tvb, pos, stop, NUMBERS.string)
    if behind and tree then
        add_content(tree, row, tvb, pos + 8, behind)
    end
    return behind, problem
end

function READ.blob(tree, row, layout, tvb, pos, stop)
    local behind, problem = expected(tvb, pos, stop, NUMBERS.blob[layout.inner])
    if behind and tree then
        add_content(tree, row, tvb, pos + 8, behind)
    end
    return behind, problem
end

function READ.counted(tree, row, _, tvb, pos, stop, _, seen)
    local size = seen[row.length]
    if size > stop - pos then
        return nil, string.format("%.0f bytes needed, %d left", size, stop - pos)
    end
    if tree then
        add_content(tree, row, tvb, pos, pos + size)
    end
    return pos + size
end

function READ.rest(tree, row, _, tvb, pos, stop)
    if tree then
        add_content(tree, row, tvb, pos, stop)
    end
    return stop
end

function READ.nested(tree, row, layout, tvb, pos, stop, depth)
    local number, behind = block_header(tvb, pos, stop)
    local item = number and tree and tree:add(row.field.proto, tvb(pos, behind - pos))
    return read_block(item, row.items, layout.inner, tvb, pos, stop, depth)
end

function READ.list(tree, row, layout, tvb, pos, stop, depth)
    local numbers = row.kind.generic and NUMBERS.generic_list or NUMBERS.list
    local behind, problem = expected(tvb, pos, stop, numbers[layout.inner])
    if behind == nil then
        return nil, problem
    end
    local item = tree and tree:add(row.field.proto, tvb(pos, behind - pos))
    return behind, nil, read_blocks(item, row.items, layout.inner, tvb, pos + 8, behind, depth)
end

function READ.rest_blocks(tree, row, layout, tvb, pos, stop, depth)
    local item = tree and tree:add(row.field.proto, tvb(pos, stop - pos))
    return stop, nil, read_blocks(item, row.items, layout.inner, tvb, pos, stop, depth)
end

-- Records -----------------------------------------------------------------------------------------------------

-- The body of plain fields that ends exactly at the end, else the first that can be read.
local function plain_body(record, number, tvb, pos, stop)
    local readable
    for _, layout in ipairs(record.plain) do
        local form = choose(layout, number, tvb, pos, stop, 0)
        local behind, sound = walk(nil, layout, form, tvb, pos, stop, 0)
        if sound and behind == stop then
            return layout
        elseif sound then
            readable = readable or layout
        end
    end
    return readable or record.plain[1]
end

local function show_only_block(tree, record, tvb, pos, stop)
    local number, behind = block_header(tvb, pos, stop)
    if number == nil then
        complain(tree, tvb, pos, stop, behind)
        return nil
    end
    local layout = record.by_type[number]
    if layout then
        show_layout(tree, layout, number, tvb, pos, behind, 0)
    else
        show_unknown_block(tree, record.series or 1, number, tvb, pos, behind)
    end
    add_left_over(tree, tvb, behind, stop)
    return number
end

local function show_plain(tree, record, number, tvb, pos, stop)
    local block_type, behind = block_header(tvb, pos, stop)
    local layout = block_type and behind == stop and record.by_type[block_type]
    if layout then
        local form = choose(layout, block_type, tvb, pos + 8, stop, 0)
        local _, sound = walk(nil, layout, form, tvb, pos + 8, stop, 0)
        if sound then
            show_layout(tree, layout, block_type, tvb, pos, stop, 0)
            return block_type
        end
    end
    show_layout(tree, plain_body(record, number, tvb, pos, stop), number, tvb, pos, stop, 0)
end

-- The data of a record; gives what the column "Info" says of it.
local function show_record(tree, number, tvb, pos, stop)
    local record = RECORDS[number]
    local name = record and record.id or "unknown record"
    local item = tree:add(FIELD.record.proto, tvb(pos, stop - pos))
    item:set_text(string.format("Record %d %s, %d bytes", number, name, stop - pos))
    local block_type
    if record == nil or not (record.any_block or record.plain[1]) then
        add_unknown(item, tvb, pos, stop, string.format("The layout of record %d is not known", number))
        return string.format("%s %d", name, number)
    end
    if record.header then
        local size = stop - pos > 14 and tvb(pos + 14, 1):uint() == 1 and 56 or 40
        local behind = math.min(pos + size, stop)
        local _, sound = show_layout(item, by_class.DiscoveryHeader, size, tvb, pos, behind, 0)
        if not sound then
            return string.format("%s %d", name, number)
        end
        pos = behind
    end
    if record.plain[1] == nil then
        block_type = show_only_block(item, record, tvb, pos, stop)
    else
        block_type = show_plain(item, record, number, tvb, pos, stop)
    end
    return string.format(block_type and "%s %d/%d" or "%s %d", name, number, block_type)
end

-- Messages ----------------------------------------------------------------------------------------------------
-- Each function shows the body of one message and gives what the column "Info" says of it, or nil.

local MESSAGE = {}
local show_message

local function show_body(tree, class, number, tvb, pos, stop)
    local _, _, item = show_layout(tree, by_class[class], number, tvb, pos, stop, 0)
    return item
end

MESSAGE[0] = function(tree, tvb, pos, stop)
    if pos < stop then
        complain(tree, tvb, pos, stop, "A Null message has no body")
    end
end

MESSAGE[1] = function(tree, tvb, pos, stop)
    show_body(tree, "ErrorMessage", 1, tvb, pos, stop)
end

MESSAGE[2] = function(tree, tvb, pos, stop)
    show_body(tree, "EventStreamRequest", 2, tvb, pos, stop)
end

-- Event data: the two forms of the record header are told apart by the lengths.
MESSAGE[4] = function(tree, tvb, pos, stop)
    local size = stop - pos
    if size < 8 then
        complain(tree, tvb, pos, stop, "No room for a record header")
        return nil
    end
    local difference = size - tvb(pos + 4, 4):uint()
    -- Some old servers count the header itself: then the difference is 0.
    local header = (difference == 16 and 16) or ((difference == 8 or difference == 0) and 8)
    if not header then
        complain(tree, tvb, pos, stop, string.format("Record length %d in a message of %d", size - difference, size))
        return nil
    end
    local item = show_body(tree, "RecordHeader", header, tvb, pos, pos + header)
    for _, field in ipairs({FIELD.long_header, FIELD.netmap_id, FIELD.record_type}) do
        item:add(field.proto, tvb(pos, 4))
    end
    return show_record(tree, tvb(pos + 2, 2):uint(), tvb, pos + header, stop)
end

MESSAGE[5] = function(tree, tvb, pos, stop)
    if by_class.HostDataRequest.by_number[stop - pos] then
        show_body(tree, "HostDataRequest", stop - pos, tvb, pos, stop)
    else
        complain(tree, tvb, pos, stop, "A Host Data Request has 16 or 40 bytes")
    end
end

-- A host profile, or nothing where there is no such host or no further one.
MESSAGE[6] = function(tree, tvb, pos, stop)
    if pos < stop then
        local behind, problem = read_block(tree, nil, 1, tvb, pos, stop, 0)
        if behind == nil then
            complain(tree, tvb, pos, stop, problem)
        else
            add_left_over(tree, tvb, behind, stop)
        end
    end
end
MESSAGE[7] = MESSAGE[6]

local function show_event_types(tree, tvb, pos, stop)
    while stop - pos >= 4 do
        local version, number = tvb(pos, 2):uint(), tvb(pos + 2, 2):uint()
        show_body(tree, "StreamingEventType", 2049, tvb, pos, pos + 4)
        pos = pos + 4
        if version == 0 and number == 0 then
            break
        end
    end
    return pos
end

-- Services asked for: the list of each ends with the pair 0/0.
MESSAGE[2049] = function(tree, tvb, pos, stop)
    while stop - pos >= 16 do
        local item = tree:add(FIELD.service.proto, tvb(pos, stop - pos))
        show_body(item, "StreamingService", 2049, tvb, pos, pos + 16)
        local start = pos
        pos = show_event_types(item, tvb, pos + 16, stop)
        item:set_len(pos - start)
    end
    if pos < stop then
        complain(tree, tvb, pos, stop, "A service needs 16 bytes")
    end
end

-- Whether services whose length leaves out so many bytes end where the message ends.
local function fits(tvb, pos, stop, uncounted)
    while stop - pos >= 16 do
        local size = tvb(pos + 4, 4):uint() + uncounted
        if size < 16 or size > stop - pos then
            return false
        end
        pos = pos + size
    end
    return pos == stop
end

-- Services offered: sources disagree on whether the length counts its own eight bytes.
MESSAGE[2051] = function(tree, tvb, pos, stop)
    local uncounted = (fits(tvb, pos, stop, 8) and 8) or (fits(tvb, pos, stop, 0) and 0)
    while stop - pos >= 16 do
        local size = uncounted and tvb(pos + 4, 4):uint() + uncounted or 16
        local item = tree:add(FIELD.service.proto, tvb(pos, size))
        show_body(item, "StreamingService", 2051, tvb, pos, pos + 16)
        show_event_types(item, tvb, pos + 16, pos + size)
        pos = pos + size
    end
    if pos < stop then
        complain(tree, tvb, pos, stop, "A service needs 16 bytes")
    end
end

MESSAGE[4002] = function(tree, tvb, pos, stop)
    if stop - pos < 8 then
        complain(tree, tvb, pos, stop, "No room for the head of a bundle")
        return nil
    end
    show_body(tree, "MessageBundle", 4002, tvb, pos, pos + 8)
    local sequence, count = tvb(pos + 4, 4):uint(), 0
    pos = pos + 8
    while pos < stop do
        local left = stop - pos
        local length = left >= 8 and tvb(pos + 4, 4):uint()
        if not length or length > left - 8 then
            complain(tree, tvb, pos, stop, length
                and string.format("An item claims %d bytes where the bundle has %d", length, left - 8)
                or "No room for the header of an item")
            break
        end
        count = count + 1
        local item = tree:add(FIELD.item.proto, tvb(pos, 8 + length))
        local name = show_message(item, "BundleItem", tvb, pos, pos + 8 + length)
        item:set_text(string.format("Item %d: %s", count, name))
        pos = pos + 8 + length
    end
    return string.format("%d, %d item%s", sequence, count, count == 1 and "" or "s")
end

-- A message or an item of a bundle, all of whose bytes are there; gives what the column "Info" says of it.
function show_message(tree, header, tvb, pos, stop)
    local version, number = tvb(pos, 2):uint(), tvb(pos + 2, 2):uint()
    local name = label(ENUMERATIONS.message_type[number] or "unknown_message")
    local in_bundle = header == "BundleItem"
    show_body(tree, header, in_bundle and 4 or 1, tvb, pos, pos + 8)
    if in_bundle and (version > ITEM_VERSIONS or number == 4002) then
        complain(tree, tvb, pos + 8, stop, "This cannot stand in a bundle")
        return name
    end
    local show = MESSAGE[number]
    if show == nil then
        add_unknown(tree, tvb, pos + 8, stop, string.format("Message type %d is not known", number))
        return string.format("%s %d", name, number)
    end
    local text = show(tree, tvb, pos + 8, stop)
    return text and name .. ": " .. text or name
end

-- The connection ----------------------------------------------------------------------------------------------

local shown = 0

local function tell(pinfo, text)
    shown = shown + 1
    if shown == 1 then
        pinfo.cols.info:set(text)
    elseif shown <= SHOWN_MESSAGES then
        pinfo.cols.info:append(", " .. text)
    elseif shown == SHOWN_MESSAGES + 1 then
        pinfo.cols.info:append(", ...")
    end
end

-- Bytes of the message that begins here. A header that cannot be takes all that is there: the stream cannot
-- be in step again.
local function message_size(tvb, _, pos)
    if tvb:len() - pos < HEADER_SIZE then -- where segments are not put together, or cut short in the capture
        return math.max(HEADER_SIZE, tvb:reported_length_remaining(pos))
    end
    local version, length = tvb(pos, 2):uint(), tvb(pos + 4, 4):uint()
    if version ~= HEADER_VERSION or length > LIMIT then
        return tvb:reported_length_remaining(pos)
    end
    return HEADER_SIZE + length
end

local function dissect_message(tvb, pinfo, tree)
    pinfo.cols.protocol:set("eStreamer")
    local size = tvb:len()
    local item = tree:add(estreamer, tvb())
    if size < HEADER_SIZE then
        complain(item, tvb, 0, size, "No room for a message header")
        return size
    end
    local version, length = tvb(0, 2):uint(), tvb(4, 4):uint()
    local text
    if version ~= HEADER_VERSION then
        text = string.format("Header version %d instead of %d", version, HEADER_VERSION)
    elseif length > LIMIT then
        text = string.format("A message of %d bytes is longer than %d", length, LIMIT)
    elseif size < HEADER_SIZE + length then
        text = string.format("The capture has %d of the %d bytes of this message", size, HEADER_SIZE + length)
    end
    if text then
        show_body(item, "MessageHeader", 1, tvb, 0, HEADER_SIZE)
        complain(item, tvb, HEADER_SIZE, size, text)
    else
        text = show_message(item, "MessageHeader", tvb, 0, size)
    end
    item:append_text(", " .. text)
    tell(pinfo, text)
    return size
end

local tls = Dissector.get("tls")

-- Types 20 to 24, version 3.x: a TLS record, while every message begins with 00 01.
local function is_tls(tvb)
    local first = tvb(0, 1):uint()
    return first >= 20 and first <= 24 and (tvb:len() < 2 or tvb(1, 1):uint() == 3)
end

function estreamer.dissector(tvb, pinfo, tree)
    if tvb:len() == 0 then
        return 0
    elseif tls and is_tls(tvb) then
        -- Each layer that calls another takes 1 off this number, and at 0 segments are not put together.
        pinfo.can_desegment = pinfo.can_desegment + 1
        return tls:call(tvb, pinfo, tree)
    end
    shown = 0
    dissect_tcp_pdus(tvb, tree, HEADER_SIZE, message_size, dissect_message)
    return tvb:len()
end

-- The same ports in both tables: plain TCP, and what TLS carries once it can be decrypted.
local PORTS = "8302"
local tables = {DissectorTable.get("tcp.port"), DissectorTable.get("tls.port")}

estreamer.prefs.ports = Pref.range("Ports", PORTS, "TCP ports of eStreamer, with and without TLS", 65535)

local function register(ports)
    for _, ports_table in ipairs(tables) do
        ports_table:add(ports, estreamer)
    end
end

function estreamer.prefs_changed()
    if estreamer.prefs.ports ~= PORTS then
        for _, ports_table in ipairs(tables) do
            if PORTS ~= "" then
                ports_table:remove(PORTS, estreamer)
            end
        end
        PORTS = estreamer.prefs.ports
        if PORTS ~= "" then
            register(PORTS)
        end
    end
end

register(PORTS)
