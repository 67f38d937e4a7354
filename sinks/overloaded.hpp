// A visitor for std::visit, made of a lambda for each alternative.
#pragma once

namespace glia {

template <typename... Handlers>
struct Overloaded : Handlers... {
    using Handlers::operator()...;
};
template <typename... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;

}  // namespace glia
