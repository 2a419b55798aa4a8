#pragma once
#include <string>
#include <string_view>

namespace storage {

// Whether two names differ, by more than case, only in letters and digits that look alike: 1, l and i; 0 and
// o. Such a name is a typing error that no one sees, or another image family: it is only ever explained.
bool look_alike(std::string_view a, std::string_view b);

// What names that look alike, or differ by case alone, have in common.
std::string skeleton(std::string_view name);

}  // namespace storage
