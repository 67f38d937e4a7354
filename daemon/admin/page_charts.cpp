#include "daemon/admin/page_charts.hpp"

#include <algorithm>
#include <cmath>

#include "daemon/base/progress.hpp"

namespace glia::html {
namespace {

/// Scales `value` so that `most` becomes `height` pixels. Rounds up: only zero becomes zero pixels.
int scaled(double value, double most, int height) {
    return static_cast<int>(std::ceil(value * height / std::max(1.0, most)));
}

std::string rectangle(int x, int y, int width, int height, const std::string& css) {
    return "<rect" + (css.empty() ? "" : " class=\"" + css + "\"") + " x=\"" + std::to_string(x) + "\" y=\"" +
           std::to_string(y) + "\" width=\"" + std::to_string(width) + "\" height=\"" +
           std::to_string(height) + "\"/>";
}

std::string drawing(const std::string& css, const std::string& attributes, int width, int height,
                    const std::string& content) {
    const std::string across = std::to_string(width), down = std::to_string(height);
    return "<svg class=\"" + css + "\" " + attributes + " width=\"" + across + "\" height=\"" + down +
           "\" viewBox=\"0 0 " + across + " " + down + "\">" + content + "</svg>";
}

}  // namespace

std::string hours_chart(const std::array<std::int64_t, History::kHours>& hours) {
    constexpr int kStep = 5;
    constexpr int kHeight = 24;
    const auto most = static_cast<double>(*std::max_element(hours.begin(), hours.end()));
    std::int64_t all = 0;
    std::string bars;
    for (std::size_t i = 0; i < hours.size(); ++i) {
        all += hours[i];
        const int height = scaled(static_cast<double>(hours[i]), most, kHeight);
        bars += rectangle(static_cast<int>(i) * kStep, kHeight - height, kStep - 1, height, "");
    }
    const std::string title =
        with_commas(all) + " engagements in 24 hours, " + with_commas(hours.back()) + " in the last";
    return drawing("spark", "role=\"img\"", static_cast<int>(hours.size()) * kStep, kHeight,
                   "<title>" + title + "</title>" + bars);
}

std::string days_chart(const std::vector<VolumeDay>& days) {
    constexpr int kStep = 19;
    constexpr int kHeight = 64;
    constexpr int kLine = 3;
    double most = 0;
    for (const VolumeDay& day : days)
        most = std::max({most, static_cast<double>(day.engagements), day.expected.value_or(0)});
    std::string bars;
    for (std::size_t i = 0; i < days.size(); ++i) {
        const int x = static_cast<int>(i) * kStep;
        const int height = scaled(static_cast<double>(days[i].engagements), most, kHeight);
        bars += rectangle(x + 2, kHeight - height, kStep - 4, height, "");
        if (!days[i].expected) continue;
        const int expected = std::max(kLine, scaled(*days[i].expected, most, kHeight));
        bars += rectangle(x, kHeight - expected, kStep, kLine, "expected");
    }
    return drawing("days", "aria-hidden=\"true\"", std::max(1, static_cast<int>(days.size())) * kStep,
                   kHeight, bars);
}

}  // namespace glia::html
