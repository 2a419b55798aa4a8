#include "server/commands/history_table.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "server/commands/status_screen.hpp"
#include "server/text/time.hpp"

namespace server {
namespace {

namespace record = storage::record;

constexpr std::size_t narrowest = 12;  // of the elastic column

// Whether a character begins with this byte.
bool is_first(char byte) { return (static_cast<unsigned char>(byte) & 0xc0U) != 0x80U; }

// Characters, not bytes.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, is_first));
}

// The end of `text`, which names the file.
std::string cut(const std::string& text, std::size_t width) {
  if (width_of(text) <= width) return text;
  const std::string_view all = text;
  std::size_t begin = 0;
  while (begin < all.size() && (width_of(all.substr(begin)) >= width || !is_first(all[begin]))) ++begin;
  return fmt::format("~{}", all.substr(begin));
}

std::string in_words(std::string word) {
  std::ranges::replace(word, '_', ' ');
  return word;
}

std::string by(const std::string& protocol, const std::string& user) {
  return user.empty() ? protocol : protocol + " " + user;
}

double seconds_of(const record::Transfer& transfer) {
  return static_cast<double>(transfer.ended - transfer.started) / 1000;
}

std::string outcome_of(const record::Transfer& transfer) {
  if (transfer.outcome == "whole") return transfer.upload ? "whole, an upload" : "whole";
  auto cause = in_words(transfer.cause);
  if (!transfer.detail.empty()) cause += fmt::format(" ({})", transfer.detail);
  if (transfer.outcome == "partly") return "in part: " + cause;
  const auto size = transfer.size.value_or(0);
  const auto where =
      size > 0 ? fmt::format("{} %", static_cast<unsigned>(100.0 * static_cast<double>(transfer.bytes) /
                                                           static_cast<double>(size)))
               : size_text(transfer.bytes);
  return fmt::format("broke off at {}: {}", where, cause);
}

}  // namespace

HistoryTable table_of(const std::vector<record::Transfer>& transfers) {
  HistoryTable table{{"ENDED", "CLIENT", "BY", "FILE", "TOOK", "RATE", "OUTCOME"}, 3, {}};
  for (const auto& each : transfers) {
    const auto seconds = seconds_of(each);
    table.rows.push_back(
        {utc_of(each.ended), each.client, by(each.protocol, each.user), each.file, clock_text(seconds),
         seconds > 0 ? rate_text(static_cast<double>(each.bytes) / seconds) : "-", outcome_of(each)});
  }
  return table;
}

HistoryTable table_of(const std::vector<record::Holding>& holdings) {
  HistoryTable table{{"LAST", "CLIENT", "TIMES", "FIRST", "FILE"}, 4, {}};
  for (const auto& each : holdings)
    table.rows.push_back(
        {utc_of(each.last_at), each.client, fmt::format("{}", each.times), utc_of(each.first_at), each.file});
  return table;
}

HistoryTable table_of(const std::vector<record::Miss>& misses) {
  HistoryTable table{{"LAST", "CLIENT", "BY", "TIMES", "ASKED", "WHY"}, 4, {}};
  for (const auto& each : misses)
    table.rows.push_back({utc_of(each.last_at), each.client, each.protocol, fmt::format("{}", each.count),
                          each.asked, fmt::format("{}: {}", each.cause, each.text)});
  return table;
}

HistoryTable table_of(const std::vector<record::Login>& logins) {
  HistoryTable table{{"AT", "CLIENT", "USER", "METHOD", "TIMES", "OUTCOME"}, 2, {}};
  for (const auto& each : logins)
    table.rows.push_back({utc_of(each.at), each.client, each.user, each.method, fmt::format("{}", each.count),
                          in_words(each.outcome)});
  return table;
}

HistoryTable table_of(const std::vector<record::Import>& imports) {
  HistoryTable table{{"AT", "FILE", "OUTCOME", "WHERE OR WHY"}, 1, {}};
  for (const auto& each : imports)
    table.rows.push_back({utc_of(each.at), each.file, each.outcome, each.detail});
  return table;
}

std::vector<std::string> lines_of(HistoryTable table, std::optional<std::size_t> columns) {
  if (table.rows.empty()) return {};
  table.rows.insert(table.rows.begin(), table.heading);
  const auto last = table.heading.size() - 1;
  std::vector<std::size_t> widths(last + 1);
  for (const auto& row : table.rows)
    for (std::size_t i = 0; i <= last; ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  std::size_t all = 2 * last;
  for (const auto width : widths) all += width;
  auto& elastic = widths[table.elastic];
  if (columns && all > *columns && table.elastic != last)
    elastic = std::max(std::min(elastic, narrowest), elastic - std::min(elastic, all - *columns));
  std::vector<std::string> lines;
  for (const auto& row : table.rows) {
    std::string line;
    for (std::size_t i = 0; i < last; ++i) {
      const auto shown = cut(row[i], widths[i]);
      line += shown + std::string(widths[i] - width_of(shown) + 2, ' ');
    }
    lines.push_back(line + row[last]);
  }
  return lines;
}

}  // namespace server
