// Erasure by order (`forget`) and by age (`retention`), and the tombstones that remain (DESIGN.md §1,
// forget).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sinks/tombstone.hpp"
#include "sinks/undocumented_members.hpp"

namespace glia {

/// An order to erase for good: an engagement, a visitor with all engagements, or an operator's directory
/// data.
struct ForgetOrder {
    OptionalText engagement_id;
    OptionalText visitor_id;         ///< as the API sends it
    OptionalText stored_visitor_id;  ///< as stored with privacy applied, if that differs
    OptionalText operator_id{};
};

/// A stored order of `forget` that is not finished.
struct ErasureOrder {
    std::string kind;  ///< engagement, visitor, operator, or tombstones (imported from another database)
    std::string id;
    std::string cursor{};  ///< where its next part begins, as the last step returned it; empty: at the start
};

/// Which data of stored operators privacy allows.
struct OperatorPrivacy {
    enum class Stored { all, pseudonyms, none };
    Stored names = Stored::all;
    Stored contacts = Stored::all;

    bool any() const { return names != Stored::all || contacts != Stored::all; }
};

/// Counts of erased data.
struct Erased {
    std::int64_t engagements = 0;
    std::int64_t rejected = 0;
    std::int64_t operators = 0;

    bool any() const { return engagements + rejected + operators > 0; }
    Erased& operator+=(const Erased& other) {
        engagements += other.engagements;
        operators += other.operators;
        rejected += other.rejected;
        return *this;
    }
};

/// The result of a part of an erasure.
struct ErasureStep {
    Erased erased;
    bool finished = true;  ///< the order is complete
    std::string cursor{};  ///< if not finished: the start of the next part
};

/// The position of erasure by age, kept between calls of erase_older().
struct RetentionCursor {
    enum class Stage { listed, unlisted, rejected, samples, finished };
    Stage stage = Stage::listed;
    std::string site;      ///< the site whose engagements are being erased; empty: start with the first site
    OptionalInstant from;  ///< created_at of the last engagement erased of the site
};

/// Erasure goes in small parts, each a transaction of its own.
class ErasureStore {
  public:
    virtual ~ErasureStore() = default;

    /// Stores the order and its tombstones: from now on nothing it names is written. erase_part() erases the
    /// stored data. Once this has returned, the order survives any crash.
    virtual void forget(const ForgetOrder& order) = 0;
    /// The unfinished orders, the oldest first.
    virtual std::vector<ErasureOrder> orders() = 0;
    /// Erases a part of an order. Call it until the order is finished. Does not delete files; see
    /// recordings_to_erase().
    virtual ErasureStep erase_part(const ErasureOrder& order) = 0;
    /// Erases a part of the data older than `before` and advances `cursor`. Call it until its stage is
    /// `finished`.
    virtual Erased erase_older(Instant before, RetentionCursor& cursor) = 0;
    /// Returns erased engagements whose recordings' files have to be deleted: a page in the order of ids,
    /// starting after `after`.
    virtual std::vector<std::string> recordings_to_erase(const std::string& after) = 0;
    /// Records that the files of these engagements have been deleted.
    virtual void recordings_erased(const std::vector<std::string>& engagements) = 0;
    /// The tombstones in a fixed order: at most `limit` of those after `after`. Writes nothing.
    virtual std::vector<Tombstone> tombstones(const std::optional<Tombstone>& after, std::int64_t limit) = 0;
    /// Adds tombstones from another database, all or none, and stores an order to erase the data they name,
    /// which erase_part() performs. Returns the number of new tombstones.
    virtual std::int64_t add_tombstones(const std::vector<Tombstone>& tombstones) = 0;
    /// Erases stored examples of undocumented members that privacy no longer allows.
    virtual void erase_examples(const ForbiddenExamples&) {}
    /// Erases operators' names (in name_history too) and contact data that privacy no longer allows. For
    /// destinations that store them.
    virtual void erase_operator_data(const OperatorPrivacy&) {}
};

}  // namespace glia
