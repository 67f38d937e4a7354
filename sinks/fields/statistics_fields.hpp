// The fields of interval statistics (spec: directory-and-statistics, Statistics). Fields of the kind `id` are
// dimensions and belong to the key; numbers are measures.
#pragma once

#include <array>
#include <string_view>

#include "sinks/fields/field.hpp"
#include "sinks/statistics.hpp"

namespace glia {

/// A dimension or measure whose column has another name than the member at the API.
template <Name kApi, Name kColumn, auto kPointer, FieldKind kKind>
struct NamedField : Field<kApi, kPointer, kKind> {
    static constexpr auto column = kColumn;
};

template <typename Row>
using IntervalStartColumn = OwnColumn<"interval_start", &Row::interval_start, FieldKind::time>;
template <typename Row>
using IntervalSecondsColumn = OwnColumn<"interval_seconds", &Row::interval_seconds, FieldKind::number>;
template <Name kColumn, typename Row>
using TotalSecondsField =
    NamedField<"total_duration_in_seconds", kColumn, &Row::total_seconds, FieldKind::number>;

using QueueWaitFields = FieldList<                                         //
    IntervalStartColumn<QueueWaitCount>,                                   //
    IntervalSecondsColumn<QueueWaitCount>,                                 //
    IdField<"site_id", &QueueWaitCount::site_id>,                          //
    IdField<"queue_id", &QueueWaitCount::queue_id>,                        //
    IdField<"outcome", &QueueWaitCount::outcome>,                          //
    IdField<"from_transfer", &QueueWaitCount::from_transfer>,              //
    IdField<"media", &QueueWaitCount::media>,                              //
    NumberField<"count", &QueueWaitCount::count>,                          //
    TotalSecondsField<"total_seconds", QueueWaitCount>,                    //
    NamedField<"maximum_duration_in_seconds", "maximum_seconds",           //
               &QueueWaitCount::maximum_seconds, FieldKind::number>,       //
    NamedField<"within_service_level_count", "within_service_level",       //
               &QueueWaitCount::within_service_level, FieldKind::number>,  //
    NamedField<"short_duration_count", "short",                            //
               &QueueWaitCount::short_waits, FieldKind::number>>;

using HandleFields = FieldList<                         //
    IntervalStartColumn<HandleCount>,                   //
    IntervalSecondsColumn<HandleCount>,                 //
    IdField<"site_id", &HandleCount::site_id>,          //
    IdField<"queue_id", &HandleCount::queue_id>,        //
    IdField<"operator_id", &HandleCount::operator_id>,  //
    IdField<"type", &HandleCount::type>,                //
    IdField<"end_reason", &HandleCount::end_reason>,    //
    NumberField<"count", &HandleCount::count>,          //
    TotalSecondsField<"total_seconds", HandleCount>>;

using WrapUpFields = FieldList<                         //
    IntervalStartColumn<WrapUpCount>,                   //
    IntervalSecondsColumn<WrapUpCount>,                 //
    IdField<"site_id", &WrapUpCount::site_id>,          //
    IdField<"queue_id", &WrapUpCount::queue_id>,        //
    IdField<"operator_id", &WrapUpCount::operator_id>,  //
    NumberField<"count", &WrapUpCount::count>,          //
    TotalSecondsField<"total_seconds", WrapUpCount>>;

using OperatorStateFields = FieldList<                                      //
    IntervalStartColumn<OperatorStateTime>,                                 //
    IntervalSecondsColumn<OperatorStateTime>,                               //
    IdField<"site_id", &OperatorStateTime::site_id>,                        //
    IdField<"operator_id", &OperatorStateTime::operator_id>,                //
    NamedField<"type", "state", &OperatorStateTime::state, FieldKind::id>,  //
    NumberField<"seconds", &OperatorStateTime::seconds>>;

/// Documented members that some or all tables have no column for: the interval itself, averages, which follow
/// from other measures, and further dimensions.
inline constexpr std::array<std::string_view, 6> kStatisticsMembersWithoutColumn{
    "timestamp", "seconds", "average_duration_in_seconds", "media", "highest_operator_media", "user_type"};

}  // namespace glia
