#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace server::http {

// With each %XX replaced; nothing where a "%" has not two hexadecimal digits. Pure.
std::optional<std::string> percent_decoded(std::string_view text);

// What stands behind the "?" of a path: "topics=log&q=ap1g8". The last one of a name counts. Nothing where
// percent_decoded() gives nothing. Pure.
std::optional<std::map<std::string, std::string>> parameters_of(std::string_view query);

}  // namespace server::http
