#include "protocols/http/conditional.hpp"

#include "protocols/http/date.hpp"

namespace protocols::http {
namespace {

constexpr std::string_view weak = "W/";

std::string_view without_weakness(std::string_view etag) {
  return etag.starts_with(weak) ? etag.substr(weak.size()) : etag;
}

// The first ETag of a list, which `list` loses; empty at the end, and where the list is malformed.
std::string_view next_etag(std::string_view& list) {
  const auto begin = list.find_first_not_of(" \t,");
  if (begin == list.npos) return {};
  list.remove_prefix(begin);
  const auto quote = list.starts_with(weak) ? weak.size() : 0;
  const auto end = quote < list.size() && list[quote] == '"' ? list.find('"', quote + 1) : list.npos;
  if (end == list.npos) return {};
  const auto etag = list.substr(0, end + 1);
  list.remove_prefix(end + 1);
  return etag;
}

bool names(std::string_view list, std::string_view etag) {
  if (list == "*") return true;
  for (auto each = next_etag(list); !each.empty(); each = next_etag(list))
    if (without_weakness(each) == without_weakness(etag)) return true;
  return false;
}

}  // namespace

bool is_not_modified(const Conditions& conditions, const Validators& file) {
  if (!conditions.if_none_match.empty()) return names(conditions.if_none_match, file.etag);
  const auto since = parse_date(conditions.if_modified_since);
  return since && file.modified <= *since;
}

bool range_counts(const Conditions& conditions, const Validators& file) {
  const auto& wanted = conditions.if_range;
  if (wanted.empty()) return true;
  if (wanted.starts_with('"') || wanted.starts_with(weak))
    return wanted == file.etag && !file.etag.starts_with(weak);
  return parse_date(wanted) == file.modified;
}

}  // namespace protocols::http
