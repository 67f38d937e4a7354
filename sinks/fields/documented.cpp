#include "sinks/fields/documented.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <string>

#include "sinks/fields/engagement_fields.hpp"

namespace glia {
namespace {

using Members = std::map<std::string, DocumentedMember, std::less<>>;
using MembersByPath = std::map<std::string, Members, std::less<>>;

template <typename List>
void collect(MembersByPath& all, const std::string& path) {
    List::for_each([&]<typename F>() {
        using Shape = DocumentedMember::Shape;
        if constexpr (F::is_api_member) {
            const std::string name(F::name.view());
            if constexpr (F::kind == FieldKind::list) {
                if constexpr (std::is_void_v<typename F::Elements>) {
                    all[path][name] = {Shape::list_of_values, F::kind, F::personal};
                } else {
                    all[path][name] = {Shape::list_of_objects, F::kind, F::personal};
                    collect<typename F::Elements>(all, documented_path(path, name));
                }
            } else if constexpr (!F::inner.empty()) {
                all[path][name] = {Shape::object, F::kind, F::personal};
                all[documented_path(path, name)][std::string(F::inner.view())] = {Shape::value, F::kind,
                                                                                  F::personal};
            } else {
                all[path][name] = {Shape::value, F::kind, F::personal, F::required};
            }
        }
    });
}

const MembersByPath& documentation() {
    static const MembersByPath kAll = [] {
        MembersByPath all;
        collect<EngagementFields>(all, "");
        return all;
    }();
    return kAll;
}

}  // namespace

std::string documented_path(std::string_view path, std::string_view below) {
    if (path.empty() || below.empty()) return std::string(path) + std::string(below);
    return std::string(path) + "/" + std::string(below);
}

std::optional<DocumentedMember> documented_member(std::string_view path, std::string_view name) {
    const auto members = documentation().find(path);
    if (members == documentation().end()) return std::nullopt;
    const auto member = members->second.find(name);
    return member == members->second.end() ? std::nullopt : std::optional(member->second);
}

bool is_member_of_engagement_alone(std::string_view name) {
    const auto member = documented_member("", name);
    if (!member || member->required) return false;
    const auto& all = documentation();
    return std::count_if(all.begin(), all.end(),
                         [&](const auto& members) { return members.second.contains(name); }) == 1;
}

}  // namespace glia
