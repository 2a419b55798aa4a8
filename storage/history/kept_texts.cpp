#include "storage/history/kept_texts.hpp"

#include <fmt/format.h>

namespace storage {

KeptTexts::KeptTexts(Database& database, std::string_view table, std::int64_t interval)
    : database_(database),
      interval_(interval),
      find_(database, fmt::format("SELECT id, last_at FROM {} WHERE text = ?", table)),
      add_(database, fmt::format("INSERT INTO {}(text, first_at, last_at) VALUES(?, ?, ?)", table)),
      touch_(database, fmt::format("UPDATE {} SET last_at = ? WHERE id = ?", table)) {}

std::int64_t KeptTexts::id_of(const std::string& text, std::int64_t now) {
  auto place = known_.find(text);
  if (place == known_.end()) {
    if (known_.size() >= most) known_.clear();
    place = known_.emplace(text, find_or_add(text, now)).first;
  }
  auto& known = place->second;
  if (now - known.last_at > interval_) {
    touch_.with(now, known.id).run();
    known.last_at = now;
  }
  return known.id;
}

KeptTexts::Known KeptTexts::find_or_add(const std::string& text, std::int64_t now) {
  find_.with(text);
  if (find_.step()) {
    const Known found{find_.number(0), find_.number(1)};
    find_.run();  // to its end, so that no lock stays
    return found;
  }
  add_.with(text, now, now).run();
  return {database_.last_id(), now};
}

}  // namespace storage
