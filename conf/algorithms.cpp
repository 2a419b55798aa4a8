#include "conf/algorithms.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "conf/nearest.hpp"
#include "conf/ssh.hpp"

namespace conf {
namespace {

using enum AlgorithmKind;
using enum Compatibility;

struct Algorithm {
  AlgorithmKind kind;
  std::string_view name;
  Compatibility since = modern;  // legacy: for `compatibility: legacy` alone
};
// RSA host keys, because no Cisco device knows another kind; plain MACs beside ETM, because IOS-XE
// before 17.10 offers only these.
constexpr std::array offers{Algorithm{kex, "curve25519-sha256"},
                            Algorithm{kex, "curve25519-sha256@libssh.org"},
                            Algorithm{kex, "ecdh-sha2-nistp256"},
                            Algorithm{kex, "ecdh-sha2-nistp384"},
                            Algorithm{kex, "ecdh-sha2-nistp521"},
                            Algorithm{kex, "diffie-hellman-group16-sha512"},
                            Algorithm{kex, "diffie-hellman-group14-sha256"},
                            Algorithm{kex, "diffie-hellman-group14-sha1", legacy},
                            Algorithm{kex, "diffie-hellman-group-exchange-sha256", legacy},
                            Algorithm{kex, "diffie-hellman-group-exchange-sha1", legacy},
                            Algorithm{host_key, "rsa-sha2-512"},
                            Algorithm{host_key, "rsa-sha2-256"},
                            Algorithm{host_key, "ssh-ed25519"},
                            Algorithm{host_key, "ssh-rsa", legacy},
                            Algorithm{cipher, "aes256-gcm@openssh.com"},
                            Algorithm{cipher, "aes128-gcm@openssh.com"},
                            Algorithm{cipher, "chacha20-poly1305@openssh.com"},
                            Algorithm{cipher, "aes256-ctr"},
                            Algorithm{cipher, "aes192-ctr"},
                            Algorithm{cipher, "aes128-ctr"},
                            Algorithm{cipher, "aes256-cbc", legacy},
                            Algorithm{cipher, "aes192-cbc", legacy},
                            Algorithm{cipher, "aes128-cbc", legacy},
                            Algorithm{mac, "hmac-sha2-256-etm@openssh.com"},
                            Algorithm{mac, "hmac-sha2-512-etm@openssh.com"},
                            Algorithm{mac, "hmac-sha2-256"},
                            Algorithm{mac, "hmac-sha2-512"},
                            Algorithm{mac, "hmac-sha1-etm@openssh.com", legacy},
                            Algorithm{mac, "hmac-sha1", legacy}};

// Known to others, so that their names are no typing mistakes.
struct Unoffered {
  std::string_view name, why;
};
constexpr auto weak = "it is too weak", unknown_to_library = "this build's SSH library does not know it";
constexpr std::array never{Unoffered{"diffie-hellman-group18-sha512",
                                     "one handshake would hold up everybody for a tenth of a second"},
                           Unoffered{"diffie-hellman-group1-sha1", weak},
                           Unoffered{"diffie-hellman-group15-sha512", unknown_to_library},
                           Unoffered{"diffie-hellman-group17-sha512", unknown_to_library},
                           Unoffered{"sntrup761x25519-sha512", unknown_to_library},
                           Unoffered{"sntrup761x25519-sha512@openssh.com", unknown_to_library},
                           Unoffered{"mlkem768x25519-sha256", unknown_to_library},
                           Unoffered{"ssh-dss", weak},
                           Unoffered{"ecdsa-sha2-nistp256", "there is no such host key"},
                           Unoffered{"ecdsa-sha2-nistp384", "there is no such host key"},
                           Unoffered{"ecdsa-sha2-nistp521", "there is no such host key"},
                           Unoffered{"x509v3-ssh-rsa", unknown_to_library},
                           Unoffered{"aes128-gcm", "its name is aes128-gcm@openssh.com"},
                           Unoffered{"aes256-gcm", "its name is aes256-gcm@openssh.com"},
                           Unoffered{"3des-cbc", weak},
                           Unoffered{"blowfish-cbc", weak},
                           Unoffered{"cast128-cbc", weak},
                           Unoffered{"arcfour", weak},
                           Unoffered{"arcfour128", weak},
                           Unoffered{"arcfour256", weak},
                           Unoffered{"none", "it is no protection"},
                           Unoffered{"hmac-md5", weak},
                           Unoffered{"hmac-md5-96", weak},
                           Unoffered{"hmac-sha1-96", weak},
                           Unoffered{"umac-64@openssh.com", unknown_to_library},
                           Unoffered{"umac-128@openssh.com", unknown_to_library},
                           Unoffered{"umac-64-etm@openssh.com", unknown_to_library},
                           Unoffered{"umac-128-etm@openssh.com", unknown_to_library},
                           Unoffered{"zlib", "nothing is compressed"},
                           Unoffered{"zlib@openssh.com", "nothing is compressed"}};

template <AlgorithmKind kind>
std::optional<std::string> parse(std::string_view text) {
  const auto known = algorithms(kind, legacy);
  return std::ranges::find(known, text) == known.end() ? std::nullopt : std::optional(std::string(text));
}

template <AlgorithmKind kind>
std::string advice(std::string_view text) {
  if (const auto found = std::ranges::find(never, text, &Unoffered::name); found != never.end())
    return fmt::format("; that one is never offered: {}", found->why);
  const auto known = algorithms(kind, legacy);
  if (const auto similar = nearest(text, known); !similar.empty())
    return fmt::format("; did you mean {}?", similar);
  return fmt::format("; there are {}", fmt::join(known, ", "));
}

template <AlgorithmKind kind>
constexpr Kind<std::string> one_of(std::string_view wanted) {
  return {wanted, parse<kind>, advice<kind>};
}
}  // namespace

const Kind<std::string> kex_name = one_of<kex>("the name of a key exchange that this server knows");
const Kind<std::string> host_key_name =
    one_of<host_key>("the name of a host key algorithm that this server knows");
const Kind<std::string> cipher_name = one_of<cipher>("the name of a cipher that this server knows");
const Kind<std::string> mac_name = one_of<mac>("the name of a MAC that this server knows");

std::vector<std::string> algorithms(AlgorithmKind kind, Compatibility compatibility) {
  std::vector<std::string> names;
  for (const auto& each : offers) {
    if (each.kind == kind && each.since <= compatibility) names.emplace_back(each.name);
  }
  return names;
}

bool offers_group_exchange(const Ssh& ssh) {
  return std::ranges::any_of(offered(kex, ssh),
                             [](const auto& name) { return name.find("group-exchange") != name.npos; });
}

std::vector<std::string> offered(AlgorithmKind kind, const Ssh& ssh) {
  const auto& own = kind == kex        ? ssh.kex
                    : kind == host_key ? ssh.host_key_algorithms
                    : kind == cipher   ? ssh.ciphers
                                       : ssh.macs;
  return own.empty() ? algorithms(kind, ssh.compatibility) : own;
}

}  // namespace conf
