// Prints the texts of records in the messages of failing tests.
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
