#pragma once
#include <span>
#include <string>

#include "tailrace/model/model_profile.h"

namespace tailrace::report {

// What calls take by their number of rows, as a picture in SVG that stands alone: for each profile the measured
// medians, the band from the least time to the p99, and the line that sums them up. Profiles without times are left
// out; without any the picture says so.
std::string times_picture(std::span<const ModelProfile> profiles);

}  // namespace tailrace::report
