// Erasing for good and by age, and the tombstones that remain (DESIGN.md §1, forget).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sinks/tombstone.hpp"
#include "sinks/undocumented_members.hpp"

namespace glia {

/// What is to be erased for good: an engagement, a visitor with all engagements, or what the directory tells
/// of an operator.
struct ForgetOrder {
    OptionalText engagement_id;
    OptionalText visitor_id;         ///< as the API tells it
    OptionalText stored_visitor_id;  ///< as privacy has it stored, if it is stored otherwise
    OptionalText operator_id{};
};

/// What `forget` asked for and is not through, as stored.
struct ErasureOrder {
    std::string kind;  ///< engagement, visitor, operator, or tombstones: what is stored of another database's
    std::string id;
    std::string cursor{};  ///< where its next part begins, as the last step has told; empty: at the start
};

/// What was erased.
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

/// What a part of an erasure did.
struct ErasureStep {
    Erased erased;
    bool finished = true;  ///< nothing of the order is left
    std::string cursor{};  ///< if there is: where the next part begins
};

/// How far erasing by age has come; kept between the calls of erase_older().
struct RetentionCursor {
    enum class Stage { listed, unlisted, rejected, samples, finished };
    Stage stage = Stage::listed;
    std::string site;      ///< whose engagements are being erased; empty: the first site's are next
    OptionalInstant from;  ///< created_at of the last one erased of it
};

/// Erasure goes in small parts, each a transaction of its own.
class ErasureStore {
  public:
    virtual ~ErasureStore() = default;

    /// From now on nothing of it is written; erase_part() erases what is there. Once this has returned, it
    /// cannot come to nothing any more, whoever dies.
    virtual void forget(const ForgetOrder& order) = 0;
    /// What was to be forgotten and is not erased yet, the oldest order first.
    virtual std::vector<ErasureOrder> orders() = 0;
    /// Erases a part of what an order names; to be called until it is finished. Files are left; see
    /// recordings_to_erase().
    virtual ErasureStep erase_part(const ErasureOrder& order) = 0;
    /// Erases a part of what is older, and moves `cursor` on; to be called until its stage is `finished`.
    virtual Erased erase_older(Instant before, RetentionCursor& cursor) = 0;
    /// Engagements that were erased and whose recordings' files have to be deleted: some of them, in the
    /// order of their ids, after `after`.
    virtual std::vector<std::string> recordings_to_erase(const std::string& after) = 0;
    /// They have been.
    virtual void recordings_erased(const std::vector<std::string>& engagements) = 0;
    /// The tombstones in a fixed order: at most `limit` of those after `after`. Writes nothing.
    virtual std::vector<Tombstone> tombstones(const std::optional<Tombstone>& after, std::int64_t limit) = 0;
    /// Adds tombstones that another database had, all or none, and orders the erasure of what is stored of
    /// them; erase_part() performs it. Returns how many were new.
    virtual std::int64_t add_tombstones(const std::vector<Tombstone>& tombstones) = 0;
    /// Erases stored examples of undocumented members: privacy has become stricter.
    virtual void erase_examples(const ForbiddenExamples&) {}
};

}  // namespace glia
