#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "conf/section.hpp"

// The algorithms of SSH, by their names on the wire (RFC 4253 7.1).
namespace conf {

enum class Compatibility;
struct Ssh;

// The four lists of names that both sides exchange.
enum class AlgorithmKind { kex, host_key, cipher, mac };

// What `ssh` makes the server offer, in its order: a list of the administrator's own, else the
// compatibility's.
std::vector<std::string> offered(AlgorithmKind kind, const Ssh& ssh);
bool offers_group_exchange(const Ssh& ssh);
// That a compatibility stands for.
std::vector<std::string> algorithms(AlgorithmKind kind, Compatibility compatibility);

// Of the keys `kex`, `host_key_algorithms`, `ciphers` and `macs`.
extern const Kind<std::string> kex_name, host_key_name, cipher_name, mac_name;

}  // namespace conf
