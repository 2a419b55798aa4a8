#include "server/doctor/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "server/text/json.hpp"

namespace server::doctor {
namespace {

constexpr std::size_t state_width = 8;  // "unknown" and a blank

std::string coloured(State state, bool colours) {
  const auto text = fmt::format("{:<{}}", word(state), state_width);
  if (!colours) return text;
  const auto code = [state] {
    switch (state) {
      case State::ok:
        return 32;
      case State::unknown:
        return 36;
      case State::look:
        return 33;
      case State::fails:
        break;
    }
    return 31;
  }();
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

std::size_t title_width(const std::vector<Row>& rows) {
  std::size_t width = 0;
  for (const auto& row : rows) width = std::max(width, row.check->title.size());
  return width + 2;
}

std::string counted(const std::vector<Row>& rows) {
  const auto count = [&](State state) {
    return std::ranges::count(rows, state, [](const Row& row) { return row.result.state(); });
  };
  auto text = fmt::format("{} {}", rows.size(), rows.size() == 1 ? "check" : "checks");
  if (const auto fail = count(State::fails); fail > 0) text += fmt::format(", {} failed", fail);
  if (const auto look = count(State::look); look > 0) text += fmt::format(", {} to look at", look);
  if (const auto unknown = count(State::unknown); unknown > 0)
    text += fmt::format(", {} could not be seen", unknown);
  return text + (count(State::ok) == static_cast<std::ptrdiff_t>(rows.size()) ? ": all is well\n" : "\n");
}

std::string json(const Row& row) {
  std::vector<std::string> findings;
  for (const auto& finding : row.result.findings()) {
    JsonObject object;
    object.add_safe("result", word(finding.state));
    object.add_safe("found", finding.found);
    object.add_safe("fix", finding.fix);
    findings.push_back(object.text());
  }
  JsonObject object;
  object.add_safe("id", row.check->id);
  object.add_safe("title", row.check->title);
  object.add_safe("result", word(row.result.state()));
  object.add_raw("findings", json_list(findings));
  return object.text();
}

}  // namespace

std::string report_text(const std::vector<Row>& rows, bool colours) {
  std::string text;
  const auto width = title_width(rows);
  const std::string below(state_width + width, ' ');
  for (const auto& row : rows) {
    auto head = fmt::format("{}{:<{}}", coloured(row.result.state(), colours), row.check->title, width);
    for (const auto& finding : row.result.findings()) {
      text += fmt::format("{}{}\n", head, finding.found);
      if (!finding.fix.empty()) text += fmt::format("{}fix: {}\n", below, finding.fix);
      head = below;
    }
  }
  return text + counted(rows);
}

std::string report_json(const std::vector<Row>& rows) {
  std::string list;
  for (const auto& row : rows) list.append(list.empty() ? "" : ",\n ").append(json(row));
  return fmt::format("[{}]\n", list);
}

bool any_fails(const std::vector<Row>& rows) {
  return std::ranges::any_of(rows, [](const Row& row) { return row.result.state() == State::fails; });
}

}  // namespace server::doctor
