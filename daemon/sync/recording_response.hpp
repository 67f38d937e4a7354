// Decides what to do with a response of a recording's temporary URL. No I/O (RFC 9110 §13.1.5, §14, §15.3.7).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace glia {

/// The version of the recording that an unfinished file belongs to. Stored beside the file, so that a later
/// attempt can resume.
struct RecordingVersion {
    std::string validator;                ///< for If-Range; empty if the server sent none that is safe to use
    std::optional<std::uint64_t> length;  ///< of the whole file, if the server sent it
    std::string content_type;
    bool operator==(const RecordingVersion&) const = default;
};

/// The parts of a response's head that matter; a header that is missing is empty.
struct RecordingHead {
    int status = 0;
    std::string content_type;
    std::string content_encoding;
    std::string content_length;
    std::string content_range;
    std::string etag;
    std::string last_modified;
    std::string date;
};

enum class RecordingAction {
    write_from_start,  ///< the body is the whole file
    append,            ///< the body is the missing part
    start_over,        ///< the bytes on disk are of another version: request the whole file
    refuse             ///< the body is not a recording, or there is none
};

struct RecordingDecision {
    RecordingAction action = RecordingAction::refuse;
    RecordingVersion version;  ///< the version to store while the body is written
    std::string error;         ///< one line, for start_over and refuse
};

/// Decides on a response to a request for all of a file, or for what follows the first `from` bytes of
/// `partial`.
RecordingDecision decide_recording(const RecordingHead& head, std::uint64_t from,
                                   const RecordingVersion& partial);

/// True for types that recordings are served with: audio, video, bytes without a type, or none given.
bool is_recording_type(std::string_view content_type);

/// The strong validator of a response for If-Range: an ETag that is not weak; without any ETag, a
/// Last-Modified that is at least a second older than the response (RFC 9110 §8.8.2.2). Empty if there is
/// none.
std::string strong_validator(const RecordingHead& head);

/// Why a file of `size` bytes that begins with `beginning` is not the whole recording; empty if it is.
/// `beginning`: kRecordingBeginning bytes, or all if there are fewer.
std::string recording_fault(std::uint64_t size, const RecordingVersion& version, std::string_view beginning);
inline constexpr std::size_t kRecordingBeginning = 512;

/// The file name's extension for a content type: `.mp3`, …, or `.bin`.
std::string recording_extension(std::string_view content_type);

/// Converts a version to text and back. Parsing returns none if the text is incomplete.
std::string to_text(const RecordingVersion& version);
std::optional<RecordingVersion> parse_recording_version(std::string_view text);

}  // namespace glia
