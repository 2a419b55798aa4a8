#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "server/api/desk.hpp"
#include "server/api/sources.hpp"
#include "server/http/router.hpp"
#include "storage/history/history_queries.hpp"

namespace server {

// GET /history/{list}: who has fetched what, what was missed, who logged in, what administrators did. A
// worker reads, and writes the answer. Lives on the loop.
class HistoryApi {
 public:
  HistoryApi(const ApiSources& sources, Desk& desk) : sources_(sources), desk_(desk) {}
  void offer(http::Router& router);

 private:
  void answer(const http::Request& request, const std::string& list, http::Respond respond);

  const ApiSources& sources_;
  Desk& desk_;
};

// How long a question to the history may take.
constexpr std::chrono::seconds longest_question{2};
// Opened for one question; an empty one where none is kept, or its writer has only just made the file. Throws
// DatabaseError, and so does a question that takes too long.
storage::HistoryQueries open_history(const std::filesystem::path& file);
std::int64_t milliseconds_now();

// A field of a comma-separated list. What a program that shows tables would take for a formula has "'" before
// it.
std::string csv_field(const std::string& text);

}  // namespace server
