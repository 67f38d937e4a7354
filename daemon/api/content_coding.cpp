#include "daemon/api/content_coding.hpp"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "daemon/base/text.hpp"

namespace glia {
namespace {

// curl's limit. Each coding multiplies the CPU time that a small malicious body can cost.
constexpr std::size_t kMaxCodings = 5;
// Bytes of output buffer for each call of inflate(). A fixed size keeps the cost linear for a body of a
// million tiny gzip members.
constexpr std::size_t kPieceSize = std::size_t{64} * 1024;

// inflateInit2()'s windowBits: 15 bits of window, plus the expected header.
constexpr int kGzipOrZlib = 15 + 32;  // detects gzip or zlib
constexpr int kRaw = -15;             // raw deflate, without a header

constexpr const char* kTooLong = "larger than glia-sync accepts";

/// RAII for zlib's inflate state.
class Inflater {
  public:
    explicit Inflater(int format) : piece_(kPieceSize) { ready_ = inflateInit2(&stream_, format) == Z_OK; }
    ~Inflater() {
        if (ready_) inflateEnd(&stream_);
    }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;

    /// Inflates one member of `in` into `out` and removes it from `in`. Returns Z_STREAM_END if the member
    /// was complete.
    int member(std::string_view& in, std::string& out, std::size_t limit) {
        if (!ready_ || inflateReset(&stream_) != Z_OK) return Z_MEM_ERROR;
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));  // only read by zlib
        stream_.avail_in = static_cast<uInt>(in.size());
        int state = Z_OK;
        while (state == Z_OK && out.size() <= limit) {
            stream_.next_out = piece_.data();
            stream_.avail_out = static_cast<uInt>(piece_.size());
            state = inflate(&stream_, Z_NO_FLUSH);
            out.append(reinterpret_cast<const char*>(piece_.data()), piece_.size() - stream_.avail_out);
        }
        in.remove_prefix(in.size() - stream_.avail_in);
        return state;
    }

  private:
    std::vector<Bytef> piece_;
    z_stream stream_{};
    bool ready_ = false;
};

bool begins_member(std::string_view in) {
    return in.starts_with("\x1f\x8b");
}

/// Inflates all members of `in`. Returns none, with the reason in `why`, if one is incomplete or invalid.
std::optional<std::string> inflate_all(std::string_view in, int format, std::size_t limit, std::string& why) {
    Inflater inflater(format);
    std::string out;
    out.reserve(std::min(limit, in.size() * 4));  // JSON compresses to about a quarter
    bool again = true;
    while (again) {
        const bool gzip = begins_member(in);
        const int state = inflater.member(in, out, limit);
        if (out.size() > limit) {
            why = kTooLong;
            return std::nullopt;
        }
        if (state != Z_STREAM_END) {
            why = state == Z_BUF_ERROR ? "compressed and cut off" : "not compressed as Content-Encoding says";
            return std::nullopt;
        }
        again = gzip && begins_member(in);
    }
    return out;
}

std::optional<std::string> undo(std::string_view in, const std::string& coding, std::size_t limit,
                                std::string& why) {
    if (in.size() > std::numeric_limits<uInt>::max() || limit >= std::numeric_limits<uInt>::max()) {
        why = kTooLong;
        return std::nullopt;
    }
    auto out = inflate_all(in, kGzipOrZlib, limit, why);
    if (out || coding != "deflate" || why == kTooLong) return out;
    // `deflate` means zlib's format, but some servers send the bare stream.
    std::string why_not_raw;
    out = inflate_all(in, kRaw, limit, why_not_raw);
    if (!out && why_not_raw == kTooLong) why = kTooLong;
    return out;
}

}  // namespace

std::vector<std::string> content_codings(std::string_view list) {
    std::vector<std::string> codings;
    while (!list.empty()) {
        const std::size_t comma = std::min(list.find(','), list.size());
        std::string coding = lower(trim(list.substr(0, comma)));
        list.remove_prefix(std::min(comma + 1, list.size()));
        if (!coding.empty() && coding != "identity" && coding != "none") codings.push_back(std::move(coding));
    }
    return codings;
}

bool decode_body(std::string& body, const std::vector<std::string>& codings, std::size_t limit,
                 std::string& why) {
    if (body.empty() || codings.empty()) return true;
    for (const std::string& coding : codings) {
        if (coding != "gzip" && coding != "x-gzip" && coding != "deflate") {
            why = "encoded as " + coding + ", which was not asked for";
            return false;
        }
    }
    if (codings.size() > kMaxCodings) {
        why = "encoded " + std::to_string(codings.size()) + " times over";
        return false;
    }
    for (auto coding = codings.rbegin(); coding != codings.rend() && !body.empty(); ++coding) {
        auto plain = undo(body, *coding, limit, why);
        if (!plain) return false;
        body = std::move(*plain);
    }
    return true;
}

}  // namespace glia
