#include "daemon/sync/recording_response.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <utility>

#include "daemon/base/text.hpp"
#include "sinks/timestamp.hpp"

namespace glia {
namespace {

constexpr std::string_view kEndOfVersion = "end";

/// Returns `audio/mpeg` for ` Audio/MPEG; charset=x`.
std::string media_type(std::string_view content_type) {
    return lower(trim(content_type.substr(0, content_type.find(';'))));
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

struct Range {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::optional<std::uint64_t> total;
};

/// Parses `bytes 5-9/10` and `bytes 5-9/*`.
std::optional<Range> parse_content_range(std::string_view text) {
    const std::string range = lower(trim(text));
    constexpr std::string_view kUnit = "bytes ";
    const std::size_t dash = range.find('-');
    const std::size_t slash = range.find('/');
    if (!range.starts_with(kUnit) || dash == std::string::npos || slash == std::string::npos || slash < dash)
        return std::nullopt;
    const std::string_view view = range;
    const auto first = whole_number(trim(view.substr(kUnit.size(), dash - kUnit.size())));
    const auto last = whole_number(trim(view.substr(dash + 1, slash - dash - 1)));
    const std::string_view total = trim(view.substr(slash + 1));
    if (!first || !last || *last < *first) return std::nullopt;
    if (total == "*") return Range{*first, *last, std::nullopt};
    const auto length = whole_number(total);
    if (!length || *last >= *length) return std::nullopt;
    return Range{*first, *last, length};
}

/// Why the body of a 2xx response cannot be a recording, judged by its headers; empty if it may be one.
std::string head_fault(const RecordingHead& head) {
    const std::string coding = lower(trim(head.content_encoding));
    if (!coding.empty() && coding != "identity")
        return "the recording is encoded as " + coding + ", which was not asked for";
    if (!is_recording_type(head.content_type))
        return "the temporary URL answers with " + media_type(head.content_type).substr(0, 100) +
               ", which is no recording";
    return "";
}

/// Why the body does not continue the file at byte `from`; empty if it does.
std::string range_fault(const RecordingHead& head, std::uint64_t from, const RecordingVersion& partial) {
    const auto range = parse_content_range(head.content_range);
    if (!range || range->first != from) return "the server sends another byte range than requested";
    const auto length = whole_number(trim(head.content_length));
    if (length && *length != range->last - range->first + 1)
        return "Content-Length and Content-Range contradict each other";
    if (range->total && partial.length && *range->total != *partial.length)
        return "the recording's length has changed";
    // A server that does not support If-Range sends a part of its current version.
    const std::string etag(trim(head.etag));
    if (!etag.empty() && partial.validator.starts_with('"') && etag != partial.validator)
        return "the recording has changed";
    return head_fault(head);
}

bool starts_like_text(std::string_view beginning) {
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    if (beginning.starts_with(kByteOrderMark)) beginning.remove_prefix(kByteOrderMark.size());
    const std::string text = lower(trim(beginning));
    // No audio format begins with any of these.
    constexpr std::array<std::string_view, 7> kMarkup{"<!doctype", "<html",  "<head", "<body",
                                                      "<?xml",     "<error", "<!--"};
    if (std::any_of(kMarkup.begin(), kMarkup.end(), [&](std::string_view m) { return text.starts_with(m); }))
        return true;
    if (!text.starts_with('{') && !text.starts_with('[')) return false;
    const std::string_view inside = trim(std::string_view(text).substr(1));
    return inside.starts_with('"') || inside.starts_with('{') || inside.starts_with('}') ||
           inside.starts_with(']');
}

}  // namespace

bool is_recording_type(std::string_view content_type) {
    const std::string type = media_type(content_type);
    constexpr std::array<std::string_view, 7> kAccepted{
        "",
        "application/octet-stream",
        "binary/octet-stream",
        "application/ogg",
        "application/mp4",
        "application/x-download",
        "application/force-download",
    };
    return type.starts_with("audio/") || type.starts_with("video/") ||
           std::find(kAccepted.begin(), kAccepted.end(), type) != kAccepted.end();
}

std::string strong_validator(const RecordingHead& head) {
    const std::string etag(trim(head.etag));
    if (!etag.empty()) return etag.size() >= 2 && etag.starts_with('"') && etag.ends_with('"') ? etag : "";
    const auto modified = parse_http_date(trim(head.last_modified));
    const auto answered = parse_http_date(trim(head.date));
    const bool is_strong = modified && answered && *answered - *modified >= std::chrono::seconds{1};
    return is_strong ? std::string(trim(head.last_modified)) : std::string();
}

RecordingDecision decide_recording(const RecordingHead& head, std::uint64_t from,
                                   const RecordingVersion& partial) {
    if (head.status == 200) {
        const auto length = whole_number(trim(head.content_length));
        std::string error = head_fault(head);
        if (error.empty() && length == 0u) error = "the recording is empty";
        if (!error.empty()) return {RecordingAction::refuse, {}, std::move(error)};
        return {RecordingAction::write_from_start,
                {strong_validator(head), length, std::string(trim(head.content_type))},
                ""};
    }
    if (head.status == 206 && from > 0) {
        std::string error = range_fault(head, from, partial);
        if (!error.empty()) return {RecordingAction::start_over, {}, std::move(error)};
        RecordingVersion version = partial;
        if (const auto total = parse_content_range(head.content_range)->total) version.length = total;
        return {RecordingAction::append, std::move(version), ""};
    }
    const std::string status = "HTTP " + std::to_string(head.status);
    if (head.status == 416 && from > 0)
        return {RecordingAction::start_over, {}, status + ": the recording has become shorter"};
    return {RecordingAction::refuse, {}, status + (head.status < 300 ? " without a recording" : "")};
}

std::string recording_fault(std::uint64_t size, const RecordingVersion& version, std::string_view beginning) {
    if (size == 0) return "the recording is empty";
    if (version.length && size != *version.length) {
        return "received " + std::to_string(size) + " bytes of the recording's " +
               std::to_string(*version.length);
    }
    if (starts_like_text(beginning)) return "the body is a web page or a message, not a recording";
    return "";
}

std::string recording_extension(std::string_view content_type) {
    constexpr std::array<std::pair<std::string_view, const char*>, 12> kExtensions{{
        {"audio/mpeg", ".mp3"},
        {"audio/mp3", ".mp3"},
        {"audio/wav", ".wav"},
        {"audio/x-wav", ".wav"},
        {"audio/wave", ".wav"},
        {"audio/vnd.wave", ".wav"},
        {"audio/ogg", ".ogg"},
        {"application/ogg", ".ogg"},
        {"audio/mp4", ".m4a"},
        {"audio/x-m4a", ".m4a"},
        {"audio/webm", ".webm"},
        {"video/mp4", ".mp4"},
    }};
    const std::string type = media_type(content_type);
    for (const auto& [known, extension] : kExtensions) {
        if (type == known) return extension;
    }
    return ".bin";
}

std::string to_text(const RecordingVersion& version) {
    return version.validator + "\n" + (version.length ? std::to_string(*version.length) : "-") + "\n" +
           version.content_type + "\n" + std::string(kEndOfVersion) + "\n";
}

std::optional<RecordingVersion> parse_recording_version(std::string_view text) {
    std::array<std::string_view, 4> lines;
    for (std::string_view& line : lines) {
        const std::size_t end = text.find('\n');
        if (end == std::string_view::npos) return std::nullopt;
        line = text.substr(0, end);
        text.remove_prefix(end + 1);
    }
    const auto length = whole_number(lines[1]);
    if (lines[3] != kEndOfVersion || (!length && lines[1] != "-")) return std::nullopt;
    return RecordingVersion{std::string(lines[0]), length, std::string(lines[2])};
}

}  // namespace glia
