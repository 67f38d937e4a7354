// The fields of operators, sites and queues in their listings (spec: directory-and-statistics).
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "sinks/directory.hpp"
#include "sinks/fields/field.hpp"

namespace glia {

using OperatorEntryFields = FieldList<                                                              //
    Required<IdField<"id", &OperatorEntry::id>>,                                                    //
    TextField<"name", &OperatorEntry::name, PersonalData::operator_name>,                           //
    TextField<"email", &OperatorEntry::email, PersonalData::operator_contact>,                      //
    TextField<"role", &OperatorEntry::role>,                                                        //
    FlagField<"enabled", &OperatorEntry::enabled>,                                                  //
    FlagField<"reactive_enabled", &OperatorEntry::reactive_enabled>,                                //
    FlagField<"proactive_enabled", &OperatorEntry::proactive_enabled>,                              //
    FlagField<"observation_enabled", &OperatorEntry::observation_enabled>,                          //
    InnerTextField<"picture", "url", &OperatorEntry::picture_url, PersonalData::operator_contact>,  //
    TextField<"audio_source", &OperatorEntry::audio_source>,                                        //
    TextField<"phone", &OperatorEntry::phone, PersonalData::operator_contact>,                      //
    NumberField<"max_engagement_count", &OperatorEntry::max_engagement_count>,                      //
    ExtraField<&OperatorEntry::extra>>;

using SiteEntryFields = FieldList<                                                      //
    Required<IdField<"id", &SiteEntry::id>>,                                            //
    TextField<"name", &SiteEntry::name>,                                                //
    TextArrayField<"addresses", &SiteEntry::addresses>,                                 //
    TextField<"time_zone", &SiteEntry::time_zone>,                                      //
    OwnColumn<"iana_time_zone", &SiteEntry::iana_time_zone, FieldKind::text>,           //
    SecondsField<"reactive_call_timeout", &SiteEntry::reactive_call_timeout>,           //
    SecondsField<"proactive_call_timeout", &SiteEntry::proactive_call_timeout>,         //
    NumberField<"multi_engagement_max_count", &SiteEntry::multi_engagement_max_count>,  //
    ExtraField<&SiteEntry::extra>>;

using QueueEntryFields = FieldList<                                //
    Required<IdField<"id", &QueueEntry::id>>,                      //
    IdField<"site_id", &QueueEntry::site_id>,                      //
    TextField<"name", &QueueEntry::name>,                          //
    TextField<"description", &QueueEntry::description>,            //
    TextField<"status", &QueueEntry::status>,                      //
    TimeField<"created_at", &QueueEntry::created_at>,              //
    TimeField<"updated_at", &QueueEntry::updated_at>,              //
    NumberField<"capacity", &QueueEntry::capacity>,                //
    OwnColumn<"media", &QueueEntry::media, FieldKind::texts>,      //
    IdField<"fallback_queue_id", &QueueEntry::fallback_queue_id>,  //
    TextField<"when_unstaffed", &QueueEntry::when_unstaffed>,      //
    ExtraField<&QueueEntry::extra>>;

// Members that change by the minute, and links that only repeat the id. Neither stored nor compared.
inline constexpr std::array<std::string_view, 8> kTransientOperatorMembers{
    "available",     "available_media_types", "unavailability_reason", "unavailable_since",
    "engaged_since", "engagements",           "engagement_requests",   "href"};
inline constexpr std::array<std::string_view, 1> kTransientSiteMembers{"href"};
inline constexpr std::array<std::string_view, 3> kTransientQueueMembers{"visitors_count", "average_wait_time",
                                                                        "href"};

// Contact data without a column: stored in `extra`, after `privacy.operator_contact` is applied.
inline constexpr std::array<std::string_view, 3> kOperatorContactMembers{"phone_extension", "sip_domain_id",
                                                                         "sip_extension"};

/// The members of an operator that are personal data of this kind, including those without a column.
inline std::vector<std::string> operator_members(PersonalData kind) {
    std::vector<std::string> members;
    OperatorEntryFields::for_each([&]<typename F>() {
        if (F::is_api_member && F::personal == kind) members.emplace_back(F::name.view());
    });
    if (kind == PersonalData::operator_contact)
        members.insert(members.end(), kOperatorContactMembers.begin(), kOperatorContactMembers.end());
    return members;
}

}  // namespace glia
