#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace protocols::http {

// By which a client knows whether what it has is what the server has.
struct Validators {
  std::string etag;           // with its quotes, and "W/" before them where it is weak
  std::int64_t modified = 0;  // seconds since 1970, UTC
};

// The headers that make a GET or HEAD conditional, as they came: hostile, and empty where they were not sent.
struct Conditions {
  std::string_view if_none_match, if_modified_since, if_range;
};

// Whether the answer is 304: the client has this very file (RFC 9110, 13.2.2). Pure; any thread, as below.
bool is_not_modified(const Conditions& conditions, const Validators& file);

// Whether a Range header counts. A weak ETag never proves that the bytes are the same.
bool range_counts(const Conditions& conditions, const Validators& file);

}  // namespace protocols::http
