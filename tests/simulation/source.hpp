// The modelled API: engagements that come, change and end, and what a listing or a detail shows of them at a
// given moment. Virtual time; no I/O and no randomness of its own.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/api/api_error.hpp"
#include "daemon/api/fetched.hpp"
#include "daemon/sync/pass.hpp"

namespace simulation {

using glia::Instant;
using Time = std::chrono::microseconds;

/// What the documentation leaves open, decided one way or the other.
struct SourceSettings {
    enum class Order { ascending, descending, any };
    enum class By { requested, started };             ///< the time that start_date and end_date compare
    enum class Listed { requested, started, ended };  ///< since when an engagement is in the listing
    Order order = Order::ascending;
    By by = By::requested;
    Listed listed = Listed::requested;
    int per_page = 3;
    bool legs_in_list = false;
    bool start_is_exclusive = false;
};

/// An engagement at the source.
struct Item {
    int number = 0;
    std::string id;
    Instant requested_at{};
    Instant started_at{};
    std::vector<std::string> sites;
    std::int64_t version = 0;  ///< of what the list shows
    std::vector<glia::Leg> legs;
    glia::OptionalInstant visible_at;
    bool ongoing = false;

    /// What an engagement that changes back returns to.
    struct State {
        std::int64_t version = 0;
        std::vector<glia::Leg> legs;
    };
    std::vector<State> past;
    std::int64_t versions = 0;  ///< so many versions there have been
};

/// Something that goes wrong for a while.
struct Trouble {
    enum class Kind {
        outage,
        site_refused,
        link_repeats,
        bad_record,
        detail_missing,
        detail_fails,
        date_jumps
    };
    Kind kind = Kind::outage;
    Instant until{};
    std::string whom;  ///< the site or the engagement
};

class Source {
  public:
    explicit Source(SourceSettings settings) : settings_(settings) {}

    Item& add(Instant requested, Instant now, std::vector<std::string> sites, Time delay, bool ongoing);
    void end(Item& item, Instant now, bool shows_in_list);
    void change(Item& item);
    void transfer(Item& item, Instant now);
    /// The engagement is as it was before its last change, children included.
    void change_back(Item& item);
    void forget_cursors() { cursors_.clear(); }
    void trouble(Trouble trouble) { troubles_.push_back(std::move(trouble)); }
    void calm() { troubles_.clear(); }

    std::vector<Item>& items() { return items_; }
    const std::vector<Item>& items() const { return items_; }
    /// The time that a listing's window is compared with.
    Instant key_time(const Item& item) const {
        return settings_.by == SourceSettings::By::requested ? item.requested_at : item.started_at;
    }
    glia::Engagement record(const Item& item, bool with_legs) const;
    const SourceSettings& settings() const { return settings_; }
    /// What the Date header of an answer at `now` says. `odd`: every second answer to an instance: while the
    /// Date jumps, one server of two has a wrong clock.
    Instant date(Instant now, bool odd) const;

    /// Answers as of `now`; `asked` is when the request left.
    glia::Result<glia::FetchedPage> list(const std::string& site, const glia::AskFirst& ask, Instant asked,
                                         Instant now);
    glia::Result<glia::FetchedPage> follow(const std::string& link, Instant asked, Instant now);
    glia::Result<glia::FetchedDetail> get(const std::string& id, Instant asked, Instant now);

  private:
    struct Cursor {
        std::string site;
        Instant from{};
        glia::OptionalInstant to;
        std::optional<std::pair<Instant, int>> after;  // key of the last one shown
        std::vector<int> rest;                         // of a listing in any order: what is still to be shown
        bool first = true;
    };
    bool troubled(Trouble::Kind kind, Instant now, const std::string& whom = {}) const;
    bool shows(const Item& item, const Cursor& cursor, Instant now) const;
    glia::Result<glia::FetchedPage> page(Cursor cursor, const std::string& link, Instant asked, Instant now);

    SourceSettings settings_;
    std::vector<Item> items_;
    std::unordered_map<std::string, Cursor> cursors_;
    std::vector<Trouble> troubles_;
    long cursor_count_ = 0;
};

}  // namespace simulation
