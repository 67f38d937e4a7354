// How what records are made of appears in the message of a failing test.
#pragma once

#include <gtest/gtest.h>

#include <ostream>

#include "sinks/record_memory.hpp"

namespace glia {

inline void PrintTo(const RecordText& text, std::ostream* out) {
    if (text) {
        *out << '"' << *text << '"';
    } else {
        *out << "none";
    }
}

}  // namespace glia
