#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conf/address.hpp"
#include "conf/settings.hpp"

namespace conf {

// fe80::/10, which means nothing without an interface.
bool is_link_local(const Address& address);

// What else there is to say about a text that parse_endpoint() does not take: "; ..." or nothing. Pure.
std::string endpoint_advice(std::string_view text);

// Of addresses to listen on for one protocol: which two cannot both be bound, since they are the same or one
// is part of the other, in a sentence. Nothing when all can. Pure.
std::optional<std::string> clash_of(const std::vector<Endpoint>& endpoints);

}  // namespace conf
