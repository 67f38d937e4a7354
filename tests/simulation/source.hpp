// The modelled API: engagements that begin, change and end, and the listings and details of them at a given
// moment. Virtual time; no I/O and no randomness.
#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/api/api_error.hpp"
#include "daemon/api/fetched.hpp"
#include "daemon/sync/pass.hpp"

namespace simulation {

using glia::Instant;
using Time = std::chrono::microseconds;

/// Behaviour of the API that its documentation does not specify.
struct SourceSettings {
    enum class Order { ascending, descending, any };
    enum class By { requested, started };             ///< the time that start_date and end_date limit
    enum class Listed { requested, started, ended };  ///< since when an engagement is in the listing
    Order order = Order::ascending;
    By by = By::requested;
    Listed listed = Listed::requested;
    int per_page = 3;
    bool legs_in_list = false;
    bool start_is_exclusive = false;
    bool transcripts_change = false;  ///< transcripts change after the end; then no engagement changes back
};

/// An engagement at the source.
struct Item {
    int number = 0;
    std::string id;
    Instant requested_at{};
    Instant started_at{};
    std::vector<std::string> sites;
    std::int64_t version = 0;  ///< version of the content in the listing
    std::vector<glia::Leg> legs;
    glia::OptionalInstant visible_at;
    bool ongoing = false;
    int message_count = 0;        ///< in the chat
    Instant recording_made_at{};  ///< when the recording becomes available
    bool is_removed = false;      ///< neither listed nor found by its id
    bool was_removed = false;

    /// A telephone call has no chat.
    bool has_chat() const { return number % 4 != 0; }
    bool has_recording() const { return number % 3 == 0; }

    /// The state to which an engagement can change back.
    struct State {
        std::int64_t version = 0;
        std::vector<glia::Leg> legs;
    };
    std::vector<State> past;
    std::int64_t versions = 0;  ///< number of versions so far
};

/// A temporary fault.
struct Fault {
    enum class Kind {
        outage,
        site_refused,
        link_repeats,
        bad_record,
        detail_missing,
        detail_fails,
        content_fails,  ///< of an engagement: its transcript and its recordings
        token_refused,
        date_jumps,
        listing_hides,  ///< of a site: its listings leave out every second engagement, which GET finds
        site_forgotten  ///< listings of the site are empty, and GET does not know its engagements
    };
    Kind kind = Kind::outage;
    Instant until{};
    std::string subject;  ///< the site or the engagement; of date_jumps: the offset in seconds
};

class Source {
  public:
    explicit Source(SourceSettings settings) : settings_(settings) {}

    Item& add(Instant requested, Instant now, std::vector<std::string> sites, Time delay, bool ongoing);
    void end(Item& item, Instant now, bool shows_in_list);
    void change(Item& item);
    void transfer(Item& item, Instant now);
    /// Returns the engagement to its state before the last change, children included.
    void change_back(Item& item);
    void remove(Item& item) { item.is_removed = item.was_removed = true; }
    void bring_back(Item& item) { item.is_removed = false; }
    /// True if a listing of its range has omitted the engagement although the source had it.
    bool was_hidden(const std::string& id) const { return hidden_.contains(id); }
    /// True if GET of this engagement has responded with 404 although the source had it.
    bool was_denied(const std::string& id) const { return denied_.contains(id); }
    void forget_cursors() { cursors_.clear(); }
    void inject(Fault fault) { faults_.push_back(std::move(fault)); }
    void end_faults() { faults_.clear(); }

    const Item* find(const std::string& id) const;
    std::vector<Item>& items() { return items_; }
    const std::vector<Item>& items() const { return items_; }
    /// The time that a listing's window is compared with.
    Instant key_time(const Item& item) const {
        return settings_.by == SourceSettings::By::requested ? item.requested_at : item.started_at;
    }
    glia::Engagement record(const Item& item, bool with_legs) const;
    const SourceSettings& settings() const { return settings_; }
    /// The Date header of a response at `now`. `odd`: true for every second response to an instance. During
    /// the fault date_jumps, one of two servers has a wrong clock: the one of the odd responses.
    Instant date(Instant now, bool odd) const;

    /// Responds with the state at `now`. `asked`: when the request was sent.
    glia::Result<glia::FetchedPage> list(const std::string& site, const glia::FirstPageRequest& ask,
                                         Instant asked, Instant now);
    glia::Result<glia::FetchedPage> follow(const std::string& link, Instant asked, Instant now);
    glia::Result<glia::FetchedDetail> get(const std::string& id, Instant asked, Instant now);
    glia::Result<glia::FetchedTranscript> transcript(const std::string& id, Instant asked, Instant now) const;
    glia::Result<glia::FetchedRecording> recording(const std::string& url, Instant asked, Instant now) const;

    static std::vector<glia::ChatMessage> messages(const Item& item);
    static std::string recording_url(const Item& item) { return "r" + item.id; }

  private:
    struct Cursor {
        std::string site;
        Instant from{};
        glia::OptionalInstant to;
        std::optional<std::pair<Instant, int>> after;  // the key of the last engagement shown
        std::vector<int> rest;                         // for a listing in any order: the engagements to show
        bool first = true;
    };
    bool has_fault(Fault::Kind kind, Instant now, const std::string& subject = {}) const;
    /// The error of every request at `now`, if there is one.
    std::optional<glia::ApiError> failure(Instant now) const;
    bool denies(const Item& item, Instant now) const;
    void add_message(Item& item) const;
    bool shows(const Item& item, const Cursor& cursor, Instant now) const;
    glia::Result<glia::FetchedPage> page(Cursor cursor, const std::string& link, Instant asked, Instant now);

    SourceSettings settings_;
    std::vector<Item> items_;
    std::unordered_map<std::string, Cursor> cursors_;
    std::vector<Fault> faults_;
    mutable std::set<std::string> hidden_;
    std::set<std::string> denied_;
    long cursor_count_ = 0;
};

}  // namespace simulation
