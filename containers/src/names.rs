//! Names for containers that were given none: `focused_turing`; and which names may be given.
//!
//! moby 20.10, namesgenerator: an adjective, an underscore, a scientist; from the second try on a
//! digit. The words are our own choice. Wozniak is not boring there either.

/// Characters of a name, as they stand in dockerd's message.
pub const ALLOWED: &str = "[a-zA-Z0-9][a-zA-Z0-9_.-]";

/// How often a made-up name may be taken before the id's first twelve digits are the name.
pub const TRIES: u32 = 6;

/// A name of these words; `pick(n)` gives a random number below `n`. `attempt` counts from 0.
pub fn generate(attempt: u32, mut pick: impl FnMut(usize) -> usize) -> String {
    loop {
        let (adjective, surname) = (ADJECTIVES[pick(ADJECTIVES.len())], SURNAMES[pick(SURNAMES.len())]);
        if (adjective, surname) == ("boring", "wozniak") {
            continue;
        }
        let digit = if attempt > 0 { pick(10).to_string() } else { String::new() };
        return format!("{adjective}_{surname}{digit}");
    }
}

/// Whether this may be a container's name: two characters or more, the first a letter or digit.
/// One leading slash is not counted. dockerd asks this at create and rename only.
pub fn is_valid(name: &str) -> bool {
    let name = name.strip_prefix('/').unwrap_or(name).as_bytes();
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.-".contains(byte);
    name.len() >= 2 && name[0].is_ascii_alphanumeric() && name.iter().all(inner)
}

#[rustfmt::skip]
const ADJECTIVES: [&str; 147] = [
    "able", "active", "agile", "alert", "amiable", "ample", "amused", "ardent", "artful", "avid", "awake",
    "blithe", "bold", "boring", "brave", "breezy", "bright", "brisk", "bubbly", "calm", "candid", "careful",
    "charming", "cheerful", "chipper", "civil", "clever", "cordial", "cosy", "courteous", "curious", "dapper",
    "daring", "dazzling", "deft", "devoted", "diligent", "dreamy", "eager", "earnest", "elated", "eloquent",
    "endearing", "epic", "exact", "fair", "faithful", "fearless", "fervent", "festive", "focused", "fond",
    "frank", "friendly", "frosty", "funny", "gallant", "gentle", "gifted", "glad", "graceful", "gracious",
    "great", "happy", "hardy", "hearty", "helpful", "honest", "hopeful", "humble", "inspired", "jaunty", "jolly",
    "jovial", "joyful", "keen", "kind", "laughing", "lively", "loving", "lucid", "lucky", "mellow", "merry",
    "mindful", "modest", "musing", "mystic", "neat", "nifty", "nimble", "noble", "nostalgic", "objective",
    "patient", "peaceful", "pensive", "placid", "playful", "plucky", "polite", "practical", "proud", "quick",
    "quiet", "quirky", "rapid", "relaxed", "reverent", "robust", "romantic", "sage", "serene", "sharp", "silly",
    "sincere", "sleepy", "smart", "snug", "sober", "spry", "steady", "stoic", "suave", "sunny", "sweet", "swift",
    "tender", "thirsty", "thrifty", "tidy", "trusting", "upbeat", "vibrant", "vigilant", "vigorous", "vivid",
    "warm", "wary", "wise", "witty", "wonderful", "worthy", "youthful", "zealous", "zen", "zesty",
];

#[rustfmt::skip]
const SURNAMES: [&str; 271] = [
    "abel", "agnesi", "albattani", "alhazen", "allen", "ampere", "anning", "apgar", "archimedes", "aristarchus",
    "aryabhata", "ashby", "austin", "avogadro", "babbage", "banach", "banting", "bardeen", "bartik", "bassi",
    "bayes", "beaver", "becquerel", "bell", "bernoulli", "bhabha", "bhaskara", "blackburn", "blackwell", "bohr",
    "boltzmann", "boole", "born", "bose", "boyd", "boyle", "bragg", "brahe", "brahmagupta", "brattain", "brown",
    "buck", "burnell", "cannon", "cantor", "carson", "cartwright", "carver", "cauchy", "cavendish", "cerf",
    "chandrasekhar", "chaplygin", "chatelet", "chatterjee", "chebyshev", "clarke", "cohen", "colden",
    "copernicus", "cori", "cray", "curie", "curran", "dalton", "darwin", "davinci", "dedekind", "descartes",
    "diderot", "diffie", "dijkstra", "dirac", "driscoll", "dubinsky", "easley", "eddington", "edison", "einstein",
    "elbakyan", "elion", "engelbart", "eratosthenes", "erdos", "euclid", "euler", "faraday", "feistel", "fermat",
    "fermi", "feynman", "fourier", "franklin", "fresnel", "gagarin", "galileo", "galois", "ganguly", "gates",
    "gauss", "germain", "gibbs", "goldberg", "goldstine", "goldwasser", "golick", "goodall", "gould", "greider",
    "grothendieck", "haber", "hahn", "haibt", "halley", "hamilton", "haslett", "hawking", "heisenberg", "hellman",
    "hermann", "herschel", "hertz", "heyrovsky", "hilbert", "hodgkin", "hofstadter", "hoover", "hopper",
    "huygens", "hypatia", "jackson", "jang", "jemison", "jennings", "jepsen", "johnson", "joliot", "jones",
    "joule", "kalam", "kapitsa", "kare", "keldysh", "keller", "kelvin", "kepler", "khayyam", "khorana", "kilby",
    "kirch", "knuth", "kovalevskaya", "lagrange", "lalande", "lamarr", "lamport", "laplace", "lavoisier",
    "leakey", "leavitt", "lederberg", "lehmann", "leibniz", "lewin", "lichterman", "liskov", "lovelace",
    "lumiere", "mahavira", "margulis", "matsumoto", "maxwell", "mayer", "mccarthy", "mcclintock", "mclaren",
    "mclean", "mcnulty", "meitner", "mendel", "mendeleev", "merkle", "mestorf", "mirzakhani", "montalcini",
    "moore", "morse", "moser", "murdock", "napier", "nash", "neumann", "newton", "nightingale", "nobel",
    "noether", "northcutt", "noyce", "ohm", "panini", "pare", "pascal", "pasteur", "pauling", "payne", "perlman",
    "pike", "planck", "poincare", "poisson", "poitras", "proskuriakova", "ptolemy", "raman", "ramanujan",
    "rhodes", "ride", "riemann", "ritchie", "robinson", "roentgen", "rosalind", "rubin", "rutherford", "saha",
    "sammet", "sanderson", "satoshi", "shamir", "shannon", "shaw", "shirley", "shockley", "shtern", "sinoussi",
    "snyder", "solomon", "spence", "stallman", "stonebraker", "sutherland", "swanson", "swartz", "swirles",
    "taussig", "tereshkova", "tesla", "tharp", "thompson", "torvalds", "tu", "turing", "varahamihira", "vaughan",
    "villani", "visvesvaraya", "volhard", "volta", "wescoff", "wilbur", "wiles", "williams", "williamson",
    "wilson", "wing", "wozniak", "wright", "wu", "yalow", "yonath", "zhukovsky",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_can_come_out_is_valid() {
        for (adjective, surname) in (0..ADJECTIVES.len()).flat_map(|a| (0..SURNAMES.len()).map(move |s| (a, s))) {
            if (ADJECTIVES[adjective], SURNAMES[surname]) != ("boring", "wozniak") {
                let mut picks = [adjective, surname].into_iter();
                assert!(is_valid(&generate(0, |_| picks.next().expect("two words"))));
            }
        }
    }

    #[test]
    fn wozniak_is_not_boring() {
        let at = |words: &[&str], word| words.iter().position(|have| *have == word).expect("the word is there");
        let mut picks = [at(&ADJECTIVES, "boring"), at(&SURNAMES, "wozniak"), 0, 0].into_iter();
        let name = generate(0, |_| picks.next().expect("the second name is another"));
        assert_eq!(name, format!("{}_{}", ADJECTIVES[0], SURNAMES[0]));
    }

    #[test]
    fn from_the_second_try_on_there_is_a_digit() {
        assert!(generate(1, |_| 7).ends_with('7'));
    }

    #[test]
    fn names_as_dockerd_allows_them() {
        for good in ["ab", "a1", "0_", "x._-Y9", "/web"] {
            assert!(is_valid(good), "{good}");
        }
        for bad in ["", "a", "/a", "_a", "-a", ".a", "a b", "a/b", "//ab", "ä2"] {
            assert!(!is_valid(bad), "{bad}");
        }
    }
}
