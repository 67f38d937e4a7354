// The fields of an engagement, its legs, and what they refer to (spec: § Output fields, § Engagement Leg,
// § Queues). A new documented field needs a line here, a member in records.hpp and a migration that moves its
// values out of `extra`.
#pragma once

#include "sinks/fields/field.hpp"
#include "sinks/records.hpp"

namespace glia {

using QueueFields = FieldList<            //
    IdField<"id", &QueueRef::id>,         //
    TextField<"name", &QueueRef::name>>;  //

using OperatorFields = FieldList<                                        //
    OwnColumn<"operator_id", &OperatorRef::operator_id, FieldKind::id>,  // the last segment of href
    TextField<"href", &OperatorRef::href>>;

using LegFields = FieldList<                                                      //
    IdField<"id", &Leg::id>,                                                      //
    InnerIdField<"operator", "id", &Leg::operator_id>,                            //
    InnerIdField<"site", "id", &Leg::site_id>,                                    //
    TimeField<"requested_at", &Leg::requested_at>,                                //
    TimeField<"accepted_at", &Leg::accepted_at>,                                  //
    TextField<"request_type", &Leg::request_type>,                                //
    TextField<"request_source", &Leg::request_source>,                            //
    TextField<"offered_media_type", &Leg::offered_media_type>,                    //
    TextField<"accepted_media_type", &Leg::accepted_media_type>,                  //
    ListField<"request_queues", &Leg::request_queues, QueueFields>,               //
    SecondsField<"duration", &Leg::duration>,                                     //
    TextField<"highest_visitor_media_type", &Leg::highest_visitor_media_type>,    //
    TextField<"highest_operator_media_type", &Leg::highest_operator_media_type>,  //
    FlagField<"used_cobrowsing", &Leg::used_cobrowsing>,                          //
    TimeField<"ended_at", &Leg::ended_at>,                                        //
    TextField<"end_reason", &Leg::end_reason>,                                    //
    ExtraField<&Leg::extra>>;

using EngagementFields = FieldList<                                                          //
    Required<IdField<"id", &Engagement::id>>,                                                //
    TextField<"engagement_type", &Engagement::engagement_type>,                              //
    Required<TimeField<"created_at", &Engagement::created_at>>,                              //
    SecondsField<"duration", &Engagement::duration>,                                         //
    TextField<"visitor_name", &Engagement::visitor_name, PersonalData::visitor_name>,        //
    TextField<"visitor_browser", &Engagement::visitor_browser>,                              //
    TextField<"visitor_device_type", &Engagement::visitor_device_type>,                      //
    IdField<"visitor_id", &Engagement::visitor_id, PersonalData::visitor_id>,                //
    FlagField<"cobrowsing_used", &Engagement::cobrowsing_used>,                              //
    FlagField<"video_used", &Engagement::video_used>,                                        //
    FlagField<"audio_used", &Engagement::audio_used>,                                        //
    FlagField<"flagged", &Engagement::flagged>,                                              //
    SecondsField<"queue_wait_time", &Engagement::queue_wait_time>,                           //
    TextField<"platform", &Engagement::platform>,                                            //
    TextListField<"audio_recording_urls", &Engagement::audio_recording_urls,                 //
                  PersonalData::audio_recording_urls>,                                       //
    FlagField<"crm_forwarded", &Engagement::crm_forwarded>,                                  //
    FlagField<"summary_forwarded", &Engagement::summary_forwarded>,                          //
    TextField<"source", &Engagement::source>,                                                //
    InnerTextField<"visitor", "href", &Engagement::visitor_href, PersonalData::visitor_id>,  //
    InnerTextField<"chat_transcript", "href", &Engagement::chat_transcript_href>,            //
    ListField<"operators", &Engagement::operators, OperatorFields>,                          //
    ListField<"queues", &Engagement::queues, QueueFields>,                                   //
    ExtraField<&Engagement::extra>,                                                          //
    ListField<"legs", &Engagement::legs, LegFields>>;

}  // namespace glia
