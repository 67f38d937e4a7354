#include "sinks/content_hash.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

namespace glia {
namespace {

// Length-prefixed fields: no two different contents serialise to the same bytes.
class Serialiser {
  public:
    // An engagement fits, with two legs or so.
    Serialiser() { bytes_.reserve(2048); }
    void text(const RecordText& value) {
        if (!value) {
            bytes_.push_back('n');
            return;
        }
        number('t', static_cast<std::int64_t>((*value).size()));
        bytes_ += *value;
    }
    void number(char tag, std::int64_t value) {
        bytes_.push_back(tag);
        bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    void seconds(const OptionalSeconds& value) { value ? number('i', *value) : bytes_.push_back('n'); }
    void flag(const OptionalFlag& value) { bytes_.push_back(!value ? 'n' : *value ? '1' : '0'); }
    void time(const OptionalInstant& value) {
        value ? number('d', value->time_since_epoch().count()) : bytes_.push_back('n');
    }
    void queues(const RecordList<QueueRef>& queues) {
        number('[', static_cast<std::int64_t>(queues.size()));
        for (const QueueRef& queue : queues) {
            text(queue.id);
            text(queue.name);
        }
    }
    const std::string& bytes() const { return bytes_; }

  private:
    std::string bytes_;
};

}  // namespace

ContentHash bytes_hash(std::string_view bytes) {
    // Looked up once: OpenSSL 3 else asks its providers for the algorithm every time.
    static const std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> kSha256{
        EVP_MD_fetch(nullptr, "SHA256", nullptr), &EVP_MD_free};
    thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> state{EVP_MD_CTX_new(),
                                                                                     &EVP_MD_CTX_free};
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
    if (!kSha256 || !state || EVP_DigestInit_ex2(state.get(), kSha256.get(), nullptr) != 1 ||
        EVP_DigestUpdate(state.get(), bytes.data(), bytes.size()) != 1 ||
        EVP_DigestFinal_ex(state.get(), digest.data(), nullptr) != 1) {
        throw std::runtime_error("SHA-256 is not available from OpenSSL");
    }
    ContentHash hash{};
    std::copy_n(digest.begin(), hash.size(), hash.begin());
    return hash;
}

ContentHash core_hash(const Engagement& e) {
    Serialiser s;
    s.text(e.id);
    s.time(e.created_at);
    s.text(e.engagement_type);
    s.seconds(e.duration);
    for (const auto* field : {&e.visitor_name, &e.visitor_browser, &e.visitor_device_type, &e.visitor_id}) {
        s.text(*field);
    }
    for (const auto* field : {&e.cobrowsing_used, &e.video_used, &e.audio_used, &e.flagged}) s.flag(*field);
    s.seconds(e.queue_wait_time);
    s.flag(e.crm_forwarded);
    s.flag(e.summary_forwarded);
    for (const auto* field : {&e.platform, &e.source, &e.visitor_href, &e.chat_transcript_href, &e.extra}) {
        s.text(*field);
    }
    s.number('[', static_cast<std::int64_t>(e.audio_recording_urls.size()));
    for (const auto& url : e.audio_recording_urls) s.text(url);
    s.number('[', static_cast<std::int64_t>(e.operators.size()));
    for (const auto& op : e.operators) {
        s.text(op.operator_id);
        s.text(op.href);
    }
    s.queues(e.queues);
    return bytes_hash(s.bytes());
}

ContentHash legs_hash(const RecordList<Leg>& legs) {
    Serialiser s;
    for (const Leg& leg : legs) {
        s.text(leg.id);
        for (const auto* field :
             {&leg.operator_id, &leg.site_id, &leg.request_type, &leg.request_source, &leg.offered_media_type,
              &leg.accepted_media_type, &leg.highest_visitor_media_type, &leg.highest_operator_media_type,
              &leg.end_reason, &leg.extra}) {
            s.text(*field);
        }
        for (const auto* field : {&leg.requested_at, &leg.accepted_at, &leg.ended_at}) s.time(*field);
        s.seconds(leg.duration);
        s.flag(leg.used_cobrowsing);
        s.queues(leg.request_queues);
    }
    return bytes_hash(s.bytes());
}

std::string to_hex(std::span<const std::uint8_t> bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    text.reserve(2 * bytes.size());
    for (const std::uint8_t byte : bytes) {
        text.push_back(digits[byte >> 4]);
        text.push_back(digits[byte & 15]);
    }
    return text;
}

std::string to_bytea(const ContentHash& hash) {
    return "\\x" + to_hex(hash);
}

namespace {

/// Fills `bytes`, a container of bytes, with what `text` says; false if it does not say just so many.
template <typename Bytes>
bool read_hex(std::string_view text, Bytes& bytes) {
    if (text.size() != 2 * bytes.size()) return false;
    // Letters and figures come without a pattern: looked up, they cost no wrong guesses.
    static constexpr auto kDigits = [] {
        std::array<std::int8_t, 256> digits{};
        digits.fill(-1);
        std::int8_t value = 0;
        for (const char digit : std::string_view("0123456789abcdef"))
            digits[static_cast<unsigned char>(digit)] = value++;
        return digits;
    }();
    const auto digit = [](char c) { return static_cast<int>(kDigits[static_cast<unsigned char>(c)]); };
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const int high = digit(text[2 * i]);
        const int low = digit(text[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        bytes[i] = static_cast<typename Bytes::value_type>(high * 16 + low);
    }
    return true;
}

}  // namespace

std::optional<std::string> from_hex(std::string_view text) {
    std::string bytes(text.size() / 2, '\0');
    if (!read_hex(text, bytes)) return std::nullopt;
    return bytes;
}

std::optional<ContentHash> from_bytea(const std::string& text) {
    ContentHash hash{};
    if (!text.starts_with("\\x") || !read_hex(std::string_view(text).substr(2), hash)) return std::nullopt;
    return hash;
}

}  // namespace glia
