#pragma once
#include <string>
#include <vector>

#include "server/doctor/check.hpp"

namespace server::doctor {

// A check and what it found.
struct Row {
  const Check* check = nullptr;
  Result result;
};

// One line a check, aligned, with its first finding; below it the fix, and the other findings with theirs.
// Then a line that counts them. `colours`: of a terminal. Pure.
std::string report_text(const std::vector<Row>& rows, bool colours);
// The array that docs/formats.md describes. Pure.
std::string report_json(const std::vector<Row>& rows);
// Whether one of them fails.
bool any_fails(const std::vector<Row>& rows);

}  // namespace server::doctor
